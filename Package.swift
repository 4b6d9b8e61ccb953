// swift-tools-version: 6.1
import PackageDescription

// Folders in the order of a script's way: text → tree → graph → plan → run.
let package = Package(
  name: "adapt",
  platforms: [.macOS(.v14)],
  products: [
    .library(name: "Adapt", targets: ["Adapt"]),
    // The numeric side alone: graphs built and run without scripts.
    .library(name: "AdaptRuntime", targets: ["AdaptRuntime", "AdaptGraph", "AdaptTensor"]),
    .executable(name: "adapt", targets: ["adapt-cli"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
  ],
  targets: [
    .target(name: "AdaptPlatform"),
    .target(name: "AdaptSyntax"),

    .target(name: "CAdaptKernels"),
    .systemLibrary(
      name: "COneDNN", providers: [.apt(["libdnnl-dev"]), .brew(["onednn"])]),
    .target(name: "AdaptTensor", dependencies: ["AdaptPlatform", "CAdaptKernels", "COneDNN"]),
    .target(name: "AdaptGraph", dependencies: ["AdaptPlatform", "AdaptTensor"]),
    .target(name: "AdaptRuntime", dependencies: ["AdaptPlatform", "AdaptGraph", "AdaptTensor"]),

    .target(
      name: "AdaptInterpreter",
      dependencies: [
        "AdaptPlatform", "AdaptSyntax", "AdaptGraph", "AdaptRuntime", "AdaptTensor",
        .product(name: "OrderedCollections", package: "swift-collections"),
      ]),
    .executableTarget(name: "adapt-embed"),
    .plugin(
      name: "EmbedStandardLibrary", capability: .buildTool(), dependencies: ["adapt-embed"]),
    .target(
      name: "Adapt",
      dependencies: [
        "AdaptPlatform", "AdaptInterpreter", "AdaptSyntax", "AdaptRuntime", "AdaptTensor",
      ],
      plugins: ["EmbedStandardLibrary"]),

    .systemLibrary(
      name: "CReadline", providers: [.apt(["libreadline-dev"]), .brew(["readline"])]),
    .target(
      name: "AdaptREPL",
      dependencies: ["AdaptPlatform", "Adapt", "AdaptInterpreter", "AdaptSyntax", "CReadline"]),
    .executableTarget(
      name: "adapt-cli",
      dependencies: [
        "AdaptPlatform", "Adapt", "AdaptREPL", "AdaptInterpreter", "AdaptSyntax", "AdaptGraph",
        "AdaptTensor", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .testTarget(name: "AdaptSyntaxTests", dependencies: ["AdaptSyntax"], exclude: ["Scripts"]),
    .testTarget(name: "AdaptTensorTests", dependencies: ["AdaptTensor"]),
    .testTarget(name: "AdaptGraphTests", dependencies: ["AdaptGraph"]),
    .testTarget(name: "AdaptRuntimeTests", dependencies: ["AdaptRuntime"]),
    .testTarget(name: "AdaptInterpreterTests", dependencies: ["AdaptInterpreter"]),
    .testTarget(name: "AdaptTests", dependencies: ["Adapt"], exclude: ["Fixtures", "Golden"]),
    .testTarget(name: "LanguageSuite", dependencies: ["Adapt"], exclude: ["scripts"]),

    // Inputs of all sorts, and what must hold for each: for a short test and for script/fuzz.
    .target(
      name: "Fuzzing", dependencies: ["AdaptInterpreter", "AdaptSyntax"], path: "Tests/Fuzzing"),
    .executableTarget(name: "adapt-fuzz", dependencies: ["Fuzzing"], path: "Tests/adapt-fuzz"),
    .testTarget(name: "FuzzTests", dependencies: ["Fuzzing"]),
  ]
)
