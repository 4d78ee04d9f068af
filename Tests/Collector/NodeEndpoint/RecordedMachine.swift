import HTTP
import JSON
import Logging
import NodeEndpoint
import Runtime
import Telemetry
import TestKit

@testable import NodeStats

/// A recorded machine of NodeStats' fixtures, read by the real collector twice, two seconds apart, and served.
///
/// What no record can hold still - this machine's own disks, when the fixture's directories were made, what the program
/// itself cost - is taken out, so that the rest can be compared to the letter.
struct RecordedMachine {
    private let directory: TemporaryDirectory
    private let readings: Readings

    /// A container in a pod, or what else the record's cgroups shall be.
    static func owners(_ name: String) -> [ContainerReference] {
        var app = ContainerReference(
            cgroupPath: "/one", name: "0a1b", image: "shop/web:1", container: "web", pod: "web-1", namespace: "shop", podUID: "u-1",
            started: 1_700_000_000_500_000_000)
        app.created = 1_699_999_990_000_000_000
        (app.cpuRequest, app.cpuLimit, app.memoryRequest, app.memoryLimit) = (100, 200, 32 << 20, 64 << 20)
        guard name == "v2-linux61" else { return [app] }
        app.cgroupPath = "/four/five"
        let pod = ContainerReference(
            cgroupPath: "/four", pod: "web-1", namespace: "shop", podUID: "u-1", started: 1_700_000_000_000_000_000)
        var docker = ContainerReference(cgroupPath: "/one", name: "db \"1\"\n", image: "postgres:16", started: 1_700_000_001_000_000_000)
        docker.created = docker.started
        return [pod, app, docker]
    }

    init(_ name: String) async throws {
        let (directory, clock, files) = (TemporaryDirectory("recorded"), ManualClock(), HostFileSystem())
        let here = "\(#filePath)"
        let folder = here[..<here.lastIndex(of: "/")!]
        var path: String?
        var text = ""
        func flush() throws {
            guard let path else { return }
            let full = directory.path + path
            try files.makeDirectory(String(full[..<full.lastIndex(of: "/")!]), mode: 0o755)
            try files.write(full, Array(text.utf8))
        }
        for line in try files.text("\(folder)/../NodeStats/Fixtures/Cgroups/\(name).tree").split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("--- ") {
                try flush()
                (path, text) = (String(line.dropFirst(4)), "")
            } else {
                text += line + "\n"
            }
        }
        try flush()
        var configuration = NodeCollector.Configuration(nodeName: "n1", dataDirectory: directory.path)
        configuration.root = directory.path
        configuration.sets = Set(MetricSet.allCases)
        configuration.cpuBudget = 0
        let collector = NodeCollector(
            configuration: configuration, source: Told(references: Self.owners(name)), fileSystem: files, clock: clock, metrics: MetricRegistry(),
            logger: Logger(label: "test"))
        _ = await collector.snapshot()
        clock.advance(by: .seconds(2))
        var snapshot = await collector.snapshot(maximumAge: .zero)
        snapshot.rootFileSystem = nil
        for position in snapshot.rows.indices { snapshot.rows[position].cgroupCreated = 0 }
        self.directory = directory
        readings = Readings(sets: configuration.sets, newest: snapshot)
    }

    func get(_ path: String, accept: String = "") async -> Answer {
        var router = HTTPRouter()
        NodeEndpoint(readings: readings, registry: MetricRegistry(), pods: nil, checks: []).register(on: &router)
        var request = HTTPRequest(method: "GET", path: path)
        if !accept.isEmpty { request.fields["Accept"] = accept }
        let response = await router.respond(to: request)
        let bytes = try? await response.wholeBody()
        return Answer(status: response.status, fields: response.fields, text: String(decoding: bytes ?? [], as: UTF8.self))
    }

    private struct Told: ContainerSource {
        let references: [ContainerReference]
        func containers() async -> [ContainerReference] { references }
    }

    private struct Readings: NodeReadings {
        let sets: Set<MetricSet>
        let newest: NodeSnapshot
        func snapshot(maximumAge: Duration?) async -> NodeSnapshot { newest }
        func history(of path: String, from: Timestamp?, through: Timestamp?, limit: Int) async -> [NodeSnapshot.Row] {
            newest.rows.filter { $0.reference.cgroupPath == path }
        }
    }
}
