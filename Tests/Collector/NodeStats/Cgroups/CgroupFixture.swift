import Exposition
import Logging
import Runtime
import TestKit

@testable import NodeStats

/// A recorded machine of Fixtures/Cgroups, laid out in a directory of its own and read by the real collector.
struct CgroupFixture {
    let directory = TemporaryDirectory("cgroups")
    let registry = MetricRegistry()
    let clock = ManualClock()
    private let files = HostFileSystem()

    init(_ name: String) throws {
        let here = "\(#filePath)"
        let folder = here[..<here.lastIndex(of: "/")!]
        let archive = try files.text("\(folder)/../Fixtures/Cgroups/\(name).tree")
        var (path, text): (String?, String) = (nil, "")
        for line in archive.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard line.hasPrefix("--- ") else {
                text += line + "\n"
                continue
            }
            if let path { try write(path, text) }
            (path, text) = (String(line.dropFirst(4)), "")
        }
        if let path { try write(path, text) }
    }

    func write(_ path: String, _ text: String) throws {
        let full = directory.path + path
        try files.makeDirectory(String(full[..<full.lastIndex(of: "/")!]), mode: 0o755)
        try files.write(full, Array(text.utf8))
    }

    func remove(_ path: String) throws { try files.removeTree(directory.path + path) }

    func collector(_ change: (inout NodeCollector.Configuration) -> Void = { _ in }, source: any ContainerSource = NoContainers()) -> NodeCollector {
        var configuration = NodeCollector.Configuration(nodeName: "n1", dataDirectory: directory.path)
        configuration.root = directory.path
        configuration.sets = Set(MetricSet.allCases)
        configuration.cpuBudget = 0
        change(&configuration)
        return NodeCollector(
            configuration: configuration, source: source, fileSystem: files, clock: clock, metrics: registry, logger: Logger(label: "test"))
    }

    func metric(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        registry.collect().first { $0.name == name }?.samples.first { sample in
            labels.allSatisfy { label in sample.labels.contains { $0.name == label.key && $0.value == label.value } }
        }?.value
    }
}
