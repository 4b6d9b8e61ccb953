// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that whoever depends on Adapt does not build its benchmarks.
let package = Package(
  name: "adapt-benchmarks",
  platforms: [.macOS(.v14)],
  dependencies: [.package(name: "adapt", path: "..")],
  targets: [
    .executableTarget(
      name: "adapt-bench",
      dependencies: [
        .product(name: "Adapt", package: "adapt"), .product(name: "AdaptRuntime", package: "adapt"),
      ])
  ]
)
