import Foundation
import PackagePlugin

/// Turns `stdlib/**/*.adapt` into one Swift file of raw string literals, so that the binary carries
/// the standard library wherever it is moved (a resource bundle would stay behind).
@main
struct EmbedStandardLibrary: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let folder = context.package.directoryURL.appending(path: "stdlib")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    let scripts = names.filter { $0.hasSuffix(".adapt") }.sorted()
      .map { folder.appending(path: $0) }
    let output = context.pluginWorkDirectoryURL.appending(path: "StandardLibrarySources.swift")
    return [
      .buildCommand(
        displayName: "Embedding stdlib",
        executable: try context.tool(named: "adapt-embed").url,
        arguments: [folder.path, output.path],
        inputFiles: scripts,
        outputFiles: [output])
    ]
  }
}
