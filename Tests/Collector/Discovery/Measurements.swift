import Glibc
import Logging
import NodeStats
import Runtime
import TestKit
import Testing

@testable import Discovery

/// Figures for the report: `BINNACLE_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter DiscoveryTests.Measurements`.
@Suite(.serialized, .enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil)) struct Measurements {
    private func cpuSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func residentKilobytes() -> Int {
        let text = (try? HostFileSystem().text("/proc/self/status")) ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix("VmRSS") }.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    }

    private func id(_ number: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 64 - text.utf8.count) + text
    }

    @Test(arguments: [100, 1000]) func `the cost of an owner`(count: Int) async throws {
        let setup = EngineOwnerTests.Setup()
        let list = (0..<count).map { #"{"Id":"\#(id($0))","Names":["/c\#($0)"],"State":"running","Status":"Up 5 minutes"}"# }.joined(separator: ",")
        setup.engine.set("/containers/json", .json("[\(list)]"))
        for number in 0..<count { setup.show(id(number), EngineFixtures.docker20.replacing(EngineFixtures.id, with: id(number))) }
        let before = (cpu: cpuSeconds(), resident: residentKilobytes())
        try await setup.running { setup in
            try await soon { setup.owner.status.containers == count }
            let learnt = (cpu: cpuSeconds(), resident: residentKilobytes())
            print(
                "\(count) containers learnt: \((learnt.cpu - before.cpu) * 1000) ms CPU with the server's, \(learnt.resident - before.resident) kB more, \(learnt.resident) kB in all"
            )
            let paths = (0..<count).map { "/system.slice/docker-\(id($0)).scope" }
            let start = cpuSeconds()
            for _ in 0..<100 { for path in paths { #expect(setup.reference(path) != nil) } }
            print("a look-up: \((cpuSeconds() - start) / Double(100 * count) * 1e9) ns")
            let owners = Owners([setup.owner, SystemdOwner()])
            let again = cpuSeconds()
            for _ in 0..<100 { _ = await owners.containers() }
            print("containers() of a round: \((cpuSeconds() - again) / 100 * 1e6) µs")
            let idle = cpuSeconds()
            try await Task.sleep(for: .seconds(10))
            print("10 s of quiet: \((cpuSeconds() - idle) * 1000) ms CPU")
        }
    }

    @Test func `the cost of naming systemd's units`() {
        let owners = Owners([SystemdOwner()])
        let start = cpuSeconds()
        for _ in 0..<10_000 { _ = owners.reference(for: "/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.service") }
        print("a unit: \((cpuSeconds() - start) / 10_000 * 1e9) ns")
    }
}
