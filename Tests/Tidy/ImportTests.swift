import Glibc
import Testing

/// SwiftPM lets an undeclared import through, so the directions in which targets may import one another
/// are held here: the wings never import each other, and pure targets import nothing that does I/O.
@Suite struct ImportTests {
    /// Target folder below Sources, and what it may import.
    static let allowed: [String: Set<String>] = [
        "Shared/Pattern": ["Synchronization"],
        "Shared/JSON": [],
        "Shared/Telemetry": ["Pattern"],
        "Shared/HTTP": ["JSON"],
        "Shared/ProtoWire": [],
        "Shared/Snappy": [],
        "Shared/Exposition": ["Telemetry", "ProtoWire"],
        "Shared/Runtime": ["Telemetry", "Exposition", "CShims", "Logging", "Glibc", "Synchronization"],
        "Shared/YAML": ["JSON", "CYAML", "Glibc"],
        "Shared/SQLite": ["CSQLite"],
        "Shared/Zstd": ["CZstd"],
        "Shared/Gzip": ["CZlib"],
        "Shared/GoTemplate": ["Glibc"],
        "Shared/InternetAddresses": [],
        "Shared/QuerySyntax": [],
        "Shared/LogParsing": ["Telemetry", "Pattern", "JSON"],
        "Shared/Serving": [
            "HTTP", "JSON", "Runtime", "Telemetry", "Gzip", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket", "NIOHTTP2", "NIOHPACK", "NIOSSL", "X509",
            "Crypto", "SwiftASN1",
            "Logging",
            "ServiceLifecycle", "FoundationEssentials", "Synchronization", "Glibc",
        ],
        "Collector/NodeStats": ["Telemetry", "Exposition", "Runtime", "CShims", "Logging", "Glibc", "Synchronization"],
        "Collector/Discovery": ["NodeStats", "JSON", "HTTP", "Serving", "Telemetry", "Runtime", "ProtoWire", "Logging", "Glibc", "Synchronization"],
        "Collector/LogTail": [
            "LogParsing", "Telemetry", "Pattern", "JSON", "YAML", "Gzip", "Runtime", "SQLite", "Zstd", "CShims", "Logging", "Glibc", "Synchronization",
        ],
        "Collector/NodeEndpoint": ["NodeStats", "Exposition", "Telemetry", "JSON", "HTTP", "Runtime", "Synchronization"],
        "Collector/Scraping": [
            "Exposition", "Telemetry", "ProtoWire", "Pattern", "JSON", "YAML", "HTTP", "Gzip", "Runtime", "Logging", "Glibc", "Synchronization",
        ],
        "Aggregator/ChunkCodec": ["Glibc"],
        "Aggregator/SeriesStore": ["Telemetry", "ChunkCodec", "SQLite", "Zstd", "Runtime", "Logging", "Glibc", "Synchronization"],
        "Aggregator/PromQL": ["QuerySyntax", "Telemetry", "Pattern", "Glibc"],
        "Aggregator/LogQL": ["QuerySyntax", "Telemetry", "Pattern", "GoTemplate", "JSON", "Glibc"],
        "Aggregator/LogStore": ["LogQL", "ChunkCodec", "Telemetry", "Pattern", "SQLite", "Zstd", "Runtime", "CShims", "Logging", "Glibc", "Synchronization"],
        "Aggregator/QueryAPI": [
            "Telemetry", "Pattern", "PromQL", "LogQL", "SeriesStore", "LogStore", "ChunkCodec", "ProtoWire", "Snappy", "Gzip", "JSON", "HTTP",
            "Runtime", "Glibc", "Synchronization",
        ],
        "Aggregator/Alerting": [
            "PromQL", "GoTemplate", "Pattern", "Telemetry", "JSON", "YAML", "HTTP", "Runtime", "Logging", "Glibc", "Synchronization",
        ],
        "Aggregator/Ingest": [
            "SeriesStore", "LogParsing", "QuerySyntax", "Exposition", "Telemetry", "ProtoWire", "Snappy", "JSON", "HTTP", "Gzip", "Zstd", "Runtime",
            "Logging", "Synchronization",
        ],
        "Aggregator/Reports": ["Telemetry", "JSON"],
        "Orchestrator/Objects": ["JSON"],
        "Orchestrator/ObjectStore": ["JSON", "SQLite", "Runtime", "Telemetry", "Logging", "Dispatch", "Glibc", "Synchronization"],
        "Orchestrator/APIServer": [
            "InternetAddresses", "Objects", "ObjectStore", "JSON", "YAML", "HTTP", "Runtime", "Telemetry", "Logging", "Glibc", "Synchronization", "Exposition",
        ],
        "Orchestrator/Scheduling": ["Objects", "JSON"],
        "Orchestrator/Controllers": ["Objects", "Scheduling", "JSON", "Runtime", "Telemetry", "Logging", "Glibc", "Synchronization"],
        "Orchestrator/ContainerRuntime": ["InternetAddresses", "CShims", "Runtime", "JSON", "Telemetry", "Logging", "Glibc", "Synchronization"],
        "Orchestrator/Kubelet": [
            "Objects", "ContainerRuntime", "HTTP", "JSON", "Runtime", "Telemetry", "Exposition", "Logging", "Glibc", "Synchronization",
        ],
        "Orchestrator/ServiceProxy": [
            "InternetAddresses", "Objects", "JSON", "Runtime", "Telemetry", "NIOCore", "NIOPosix", "Logging", "Glibc", "Synchronization",
        ],
        "App/Terminal": ["Telemetry", "JSON", "Glibc"],
    ]

    /// Pure targets do no I/O, read no clock and draw no unseeded random number.
    static let pure: Set<String> = [
        "Shared/Pattern", "Shared/JSON", "Shared/Telemetry", "Shared/HTTP", "Shared/ProtoWire", "Shared/Snappy", "Shared/Exposition", "Shared/GoTemplate",
        "Aggregator/ChunkCodec",
        "Aggregator/PromQL",
        "Orchestrator/Objects", "Orchestrator/Scheduling",
    ]

    @Test func `every import is in the table`() throws {
        for (folder, modules) in Self.allowed {
            for file in SourceTree.swiftFiles(under: "Sources/\(folder)") {
                for module in SourceTree.imports(in: SourceTree.text(file)) {
                    #expect(modules.contains(module), "\(file) imports \(module); \(folder) may import \(modules.sorted())")
                }
            }
        }
    }

    @Test func `every target is in the table`() {
        for group in ["Shared", "Collector", "Aggregator", "Orchestrator"] {
            for name in SourceTree.entries("Sources/\(group)") {
                #expect(Self.allowed["\(group)/\(name)"] != nil, "Sources/\(group)/\(name) has no row in Tests/Tidy/ImportTests.swift")
            }
        }
    }

    @Test func `a wing imports no other wing`() {
        let wings = ["Collector", "Aggregator", "Orchestrator"]
        let members = Dictionary(uniqueKeysWithValues: wings.map { ($0, Set(SourceTree.entries("Sources/\($0)"))) })
        for wing in wings {
            let foreign = wings.filter { $0 != wing }.reduce(into: Set<String>()) { $0.formUnion(members[$1] ?? []) }
            for file in SourceTree.swiftFiles(under: "Sources/\(wing)") {
                let crossed = foreign.intersection(SourceTree.imports(in: SourceTree.text(file)))
                #expect(crossed.isEmpty, "\(file) imports \(crossed)")
            }
        }
    }

    @Test func `pure targets read no clock and draw no random number`() {
        let banned = ["ContinuousClock", "SuspendingClock", "clock_gettime", "SystemRandomNumberGenerator", ".random(in", "UUID()"]
        for folder in Self.pure {
            for file in SourceTree.swiftFiles(under: "Sources/\(folder)") {
                let text = SourceTree.text(file)
                // A generator that is passed in is what a seed replays.
                let lines = text.split(separator: "\n").filter { !$0.contains("using: &") }
                for word in banned where lines.contains(where: { $0.contains(word) }) { Issue.record("\(file) uses \(word)") }
            }
        }
    }
}
