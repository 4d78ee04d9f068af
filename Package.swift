// swift-tools-version: 6.2
import PackageDescription

// One row a target: name, folder, what it may import. Tests/Tidy holds the same directions as a
// table of its own and reads every `import`, since SwiftPM does not refuse an undeclared one.
//
// `BINNACLE_ONLY=PromQL,ChunkCodec swift build` makes a package of those targets, what they need
// and their tests, so that work on a pure target does not wait for the network libraries.

struct Row {
    var name: String
    var path: String
    var needs: [String] = []
    var products: [Target.Dependency] = []
    var isC = false
    /// What lies in the tests' folder beside their code.
    var testData: [String] = []
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let certificates: [Target.Dependency] = [
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "Crypto", package: "swift-crypto"),
]
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let rows: [Row] = [
    Row(name: "CShims", path: "CShims/Shims", isC: true),

    Row(name: "Telemetry", path: "Shared/Telemetry", needs: ["Pattern"]),
    Row(name: "Pattern", path: "Shared/Pattern"),
    Row(name: "JSON", path: "Shared/JSON"),
    Row(name: "HTTP", path: "Shared/HTTP", needs: ["JSON"]),
    Row(name: "ProtoWire", path: "Shared/ProtoWire"),
    Row(name: "Snappy", path: "Shared/Snappy"),
    Row(name: "Exposition", path: "Shared/Exposition", needs: ["Telemetry", "ProtoWire"]),
    Row(name: "Runtime", path: "Shared/Runtime", needs: ["Telemetry", "Exposition", "CShims"], products: [log]),
    Row(name: "YAML", path: "Shared/YAML", needs: ["JSON", "CYAML"]),
    Row(name: "SQLite", path: "Shared/SQLite", needs: ["CSQLite"]),
    Row(name: "Zstd", path: "Shared/Zstd", needs: ["CZstd"]),
    Row(name: "Gzip", path: "Shared/Gzip", needs: ["CZlib"]),
    Row(name: "GoTemplate", path: "Shared/GoTemplate"),
    Row(name: "QuerySyntax", path: "Shared/QuerySyntax"),
    Row(name: "InternetAddresses", path: "Shared/InternetAddresses"),
    Row(name: "LogParsing", path: "Shared/LogParsing", needs: ["Telemetry", "Pattern", "JSON"]),
    Row(name: "Serving", path: "Shared/Serving", needs: ["HTTP", "JSON", "Runtime", "Telemetry", "Gzip"], products: nio + certificates + [log, lifecycle]),

    Row(
        name: "NodeStats", path: "Collector/NodeStats", needs: ["Telemetry", "Exposition", "Runtime", "CShims"], products: [log],
        testData: ["Fixtures"]),
    Row(name: "Discovery", path: "Collector/Discovery", needs: ["NodeStats", "JSON", "HTTP", "Serving", "Telemetry", "Runtime", "ProtoWire"], products: [log]),
    Row(
        name: "LogTail", path: "Collector/LogTail",
        needs: ["LogParsing", "Telemetry", "Pattern", "JSON", "YAML", "Gzip", "Runtime", "SQLite", "Zstd", "CShims"], products: [log]),
    Row(
        name: "NodeEndpoint", path: "Collector/NodeEndpoint", needs: ["NodeStats", "Exposition", "Telemetry", "JSON", "HTTP", "Runtime"], testData: ["Golden"]),

    Row(
        name: "Scraping", path: "Collector/Scraping", needs: ["Exposition", "Telemetry", "ProtoWire", "Pattern", "JSON", "YAML", "HTTP", "Gzip", "Runtime"],
        products: [log]),

    Row(name: "ChunkCodec", path: "Aggregator/ChunkCodec"),
    Row(name: "SeriesStore", path: "Aggregator/SeriesStore", needs: ["Telemetry", "ChunkCodec", "SQLite", "Zstd", "Runtime"]),
    Row(name: "PromQL", path: "Aggregator/PromQL", needs: ["QuerySyntax", "Telemetry", "Pattern"], testData: ["Scripts"]),
    Row(name: "LogQL", path: "Aggregator/LogQL", needs: ["QuerySyntax", "Telemetry", "Pattern", "GoTemplate", "JSON"]),
    Row(name: "LogStore", path: "Aggregator/LogStore", needs: ["LogQL", "ChunkCodec", "Telemetry", "Pattern", "SQLite", "Zstd", "Runtime", "CShims"]),
    Row(
        name: "QueryAPI", path: "Aggregator/QueryAPI",
        needs: [
            "Telemetry", "Pattern", "PromQL", "LogQL", "SeriesStore", "LogStore", "ChunkCodec", "ProtoWire", "Snappy", "Gzip", "JSON", "HTTP", "Runtime",
        ]),
    Row(
        name: "Alerting", path: "Aggregator/Alerting", needs: ["PromQL", "GoTemplate", "Pattern", "Telemetry", "JSON", "YAML", "HTTP", "Runtime"],
        products: [log], testData: ["RuleFiles"]),
    Row(
        name: "Ingest", path: "Aggregator/Ingest",
        needs: ["SeriesStore", "LogParsing", "QuerySyntax", "Exposition", "Telemetry", "ProtoWire", "Snappy", "JSON", "HTTP", "Gzip", "Zstd", "Runtime"],
        products: [log]),
    Row(name: "Reports", path: "Aggregator/Reports", needs: ["Telemetry", "JSON"]),

    Row(name: "Objects", path: "Orchestrator/Objects", needs: ["JSON"]),
    Row(name: "ObjectStore", path: "Orchestrator/ObjectStore", needs: ["JSON", "SQLite", "Runtime"]),
    Row(name: "APIServer", path: "Orchestrator/APIServer", needs: ["Objects", "ObjectStore", "InternetAddresses", "JSON", "YAML", "HTTP", "Runtime"]),
    Row(name: "Scheduling", path: "Orchestrator/Scheduling", needs: ["Objects", "JSON"]),
    Row(name: "Controllers", path: "Orchestrator/Controllers", needs: ["Objects", "Scheduling", "JSON", "Runtime"]),
    Row(name: "ContainerRuntime", path: "Orchestrator/ContainerRuntime", needs: ["CShims", "InternetAddresses", "Runtime", "JSON"]),
    Row(name: "Kubelet", path: "Orchestrator/Kubelet", needs: ["Objects", "ContainerRuntime", "HTTP", "JSON", "Exposition", "Runtime"]),
    Row(
        name: "ServiceProxy", path: "Orchestrator/ServiceProxy", needs: ["Objects", "InternetAddresses", "JSON", "Runtime"],
        products: [
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        ]),

    Row(name: "Terminal", path: "App/Terminal", needs: ["Telemetry", "JSON"]),
]

let app = Row(
    name: "binnacle", path: "App/binnacle",
    needs: rows.map(\.name), products: [log, lifecycle, signals, arguments])

// The whole life of a pod's sandbox in a few hundred kB of memory: plain C, no Swift run time.
let pause = Row(name: "binnacle-pause", path: "App/pause", needs: ["CShims"], isC: true)

let testKit = Row(name: "TestKit", path: "Support/TestKit", needs: ["Telemetry", "Runtime"])

/// The rows to build: all, or the closure of BINNACLE_ONLY.
let chosen: [Row] = {
    guard let text = Context.environment["BINNACLE_ONLY"] else { return rows }
    var queue = text.split(separator: ",").map(String.init) + testKit.needs
    var wanted = Set<String>()
    while let name = queue.popLast() {
        guard wanted.insert(name).inserted else { continue }
        queue += rows.first { $0.name == name }?.needs ?? []
    }
    return rows.filter { wanted.contains($0.name) }
}()
let isWhole = chosen.count == rows.count

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func dependencies(_ row: Row) -> [Target.Dependency] { row.needs.map { .target(name: $0) } + row.products }

var targets: [Target] = [
    .systemLibrary(name: "CSQLite", path: "Sources/CShims/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZstd", path: "Sources/CShims/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", path: "Sources/CShims/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CYAML", path: "Sources/CShims/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: testKit.name, dependencies: dependencies(testKit), path: "Tests/\(testKit.path)", swiftSettings: strict),
]
for row in chosen {
    if row.isC {
        targets.append(.target(name: row.name, path: "Sources/\(row.path)", cSettings: [.define("_GNU_SOURCE")]))
        continue
    }
    targets.append(.target(name: row.name, dependencies: dependencies(row), path: "Sources/\(row.path)", swiftSettings: strict))
    targets.append(
        .testTarget(
            name: "\(row.name)Tests", dependencies: dependencies(row) + ["TestKit", .target(name: row.name)],
            path: "Tests/\(row.path)", exclude: row.testData, swiftSettings: strict))
}
if isWhole {
    targets += [
        .executableTarget(
            name: app.name, dependencies: dependencies(app), path: "Sources/\(app.path)",
            resources: [.embedInCode("Demo/shop.yaml"), .embedInCode("Alerts/default-rules.yaml")], swiftSettings: strict),
        .executableTarget(
            name: pause.name, dependencies: dependencies(pause), path: "Sources/\(pause.path)", cSettings: [.define("_GNU_SOURCE")],
            // SwiftPM links the Swift run time into every executable; this one is plain C, one process a pod, and
            // starts four times as fast without it.
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xclang-linker", "-static"])]),
        .testTarget(name: "TidyTests", path: "Tests/Tidy", swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["TestKit", "JSON", .target(name: app.name), .target(name: pause.name)],
            path: "Tests/Integration", swiftSettings: strict),
    ]
}

// Only Runtime's swift-log is needed by the pure and the storage targets.
let usesNetwork = chosen.contains { $0.products.count > 1 }
let package = Package(
    name: "binnacle",
    products: (isWhole ? [.executable(name: app.name, targets: [app.name]), .executable(name: pause.name, targets: [pause.name])] : [])
        // What Benchmarks links, while the chosen rows hold it.
        + [
            "SeriesStore", "Runtime", "Telemetry", "NodeStats", "NodeEndpoint", "Exposition", "PromQL", "QueryAPI", "Ingest", "Scraping", "HTTP",
            "ProtoWire", "Snappy", "LogStore", "LogQL", "Pattern",
        ].filter { name in chosen.contains { $0.name == name } }.map { .library(name: $0, targets: [$0]) },
    dependencies: [.package(url: "https://github.com/apple/swift-log", from: "1.16.2")]
        + (!usesNetwork
            ? []
            : [
                .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
                .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
                .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
                .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
                .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
                .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
                .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
            ]),
    targets: targets,
    swiftLanguageModes: [.v6]
)
