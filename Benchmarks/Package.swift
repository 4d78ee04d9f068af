// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither a build nor a test of Binnacle compiles the benchmarks.
// scripts/bench sets BINNACLE_ONLY=SeriesStore,ProtoWire,Snappy, LogStore or NodeEndpoint, which leaves the network libraries out; only the
// programs whose target is then there are made.
let only = Context.environment["BINNACLE_ONLY"].map { $0.split(separator: ",").map(String.init) }

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// `local`: targets of this package.
func program(_ name: String, measures target: String, _ needs: [String], local: [Target.Dependency] = []) -> [Target] {
    guard only?.contains(target) ?? true else { return [] }
    return [.executableTarget(name: name, dependencies: local + needs.map { .product(name: $0, package: "binnacle") }, swiftSettings: strict)]
}

let package = Package(
    name: "binnacle-benchmarks",
    dependencies: [.package(name: "binnacle", path: "..")],
    targets: [.target(name: "SeededNoise", swiftSettings: strict)]
        + program("SeriesBench", measures: "SeriesStore", ["SeriesStore", "Runtime", "Telemetry", "ProtoWire", "Snappy"], local: ["SeededNoise"])
        + program("LogBench", measures: "LogStore", ["LogStore", "LogQL", "Pattern", "Runtime", "Telemetry"], local: ["SeededNoise"])
        + program("NodeBench", measures: "NodeEndpoint", ["NodeStats", "NodeEndpoint", "Exposition"])
        + program("CollectorBench", measures: "NodeEndpoint", ["NodeEndpoint", "NodeStats", "Exposition", "Runtime", "Telemetry"])
        + program("IngestBench", measures: "Ingest", ["SeriesStore", "Runtime", "Telemetry", "Ingest", "Scraping", "HTTP", "ProtoWire", "Snappy"])
        + program("LogIngestBench", measures: "Ingest", ["Ingest", "LogStore", "Runtime", "Telemetry", "HTTP"]),
    swiftLanguageModes: [.v6]
)
