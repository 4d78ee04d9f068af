// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither a build nor a test of Binnacle compiles the benchmarks.
// scripts/bench sets BINNACLE_ONLY=SeriesStore, which leaves the network libraries out.
let package = Package(
    name: "binnacle-benchmarks",
    dependencies: [.package(name: "binnacle", path: "..")],
    targets: [
        .executableTarget(
            name: "SeriesBench",
            dependencies: [
                .product(name: "SeriesStore", package: "binnacle"),
                .product(name: "Runtime", package: "binnacle"),
                .product(name: "Telemetry", package: "binnacle"),
            ],
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]),
        // BINNACLE_ONLY=Ingest,Scraping swift run -c release --package-path Benchmarks IngestBench
        .executableTarget(
            name: "IngestBench",
            dependencies: ["SeriesStore", "Runtime", "Telemetry", "Ingest", "Scraping", "HTTP", "ProtoWire", "Snappy"]
                .map { .product(name: $0, package: "binnacle") },
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
