// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither a build nor a test of Binnacle compiles the benchmarks.
// scripts/bench sets BINNACLE_ONLY, which leaves the network libraries out; what the chosen rows lack is not built.
let only = Context.environment["BINNACLE_ONLY"] ?? ""
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
func product(_ name: String) -> Target.Dependency { .product(name: name, package: "binnacle") }

let package = Package(
    name: "binnacle-benchmarks",
    dependencies: [.package(name: "binnacle", path: "..")],
    targets: [
        only.contains("SeriesStore")
            ? .executableTarget(
                name: "SeriesBench", dependencies: [product("SeriesStore"), product("Runtime"), product("Telemetry")], swiftSettings: strict) : nil,
        only.contains("NodeEndpoint")
            ? .executableTarget(
                name: "CollectorBench",
                dependencies: [product("NodeEndpoint"), product("NodeStats"), product("Exposition"), product("Runtime"), product("Telemetry")],
                swiftSettings: strict) : nil,
    ].compactMap { $0 },
    swiftLanguageModes: [.v6]
)
