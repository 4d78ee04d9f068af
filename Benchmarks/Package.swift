// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither a build nor a test of Binnacle compiles the benchmarks.
// scripts/bench sets BINNACLE_ONLY=SeriesStore,ProtoWire,Snappy, LogStore or NodeEndpoint, which leaves the network libraries out; only the
// programs whose target is then there are made.
let only = Context.environment["BINNACLE_ONLY"].map { $0.split(separator: ",").map(String.init) }

func program(_ name: String, measures target: String, _ needs: [String]) -> [Target] {
    guard only?.contains(target) ?? true else { return [] }
    return [
        .executableTarget(
            name: name, dependencies: needs.map { .product(name: $0, package: "binnacle") },
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ]
}

let package = Package(
    name: "binnacle-benchmarks",
    dependencies: [.package(name: "binnacle", path: "..")],
    targets: program("SeriesBench", measures: "SeriesStore", ["SeriesStore", "Runtime", "Telemetry", "ProtoWire", "Snappy"])
        + program("LogBench", measures: "LogStore", ["LogStore", "LogQL", "Pattern", "Runtime", "Telemetry"])
        + program("NodeBench", measures: "NodeEndpoint", ["NodeStats", "NodeEndpoint", "Exposition"])
        + program("CollectorBench", measures: "NodeEndpoint", ["NodeEndpoint", "NodeStats", "Exposition", "Runtime", "Telemetry"])
        + program("IngestBench", measures: "Ingest", ["SeriesStore", "Runtime", "Telemetry", "Ingest", "Scraping", "HTTP", "ProtoWire", "Snappy"])
        + program("LogIngestBench", measures: "LogStore", ["Ingest", "LogStore", "Runtime", "Telemetry", "HTTP"]),
    swiftLanguageModes: [.v6]
)
