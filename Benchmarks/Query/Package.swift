// swift-tools-version: 6.2
import PackageDescription

// Apart from the series benchmark, since it needs other targets: BINNACLE_ONLY=QueryAPI leaves the network libraries out.
let package = Package(
    name: "binnacle-query-benchmark",
    dependencies: [.package(name: "binnacle", path: "../..")],
    targets: [
        .executableTarget(
            name: "QueryBench",
            dependencies: ["SeriesStore", "PromQL", "QueryAPI", "HTTP", "Runtime", "Telemetry"].map { .product(name: $0, package: "binnacle") },
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
