import Glibc
import InternetAddresses
import Runtime
import TestKit
import Testing

@testable import ContainerRuntime

/// Pods must run with whatever rights there are. Some cases switch abilities off; the last ones really lack them.
@Suite(.serialized) struct FallbackTests {
    @Test(
        arguments: [
            [.overlay], [.overlay, .memoryOverlay], [.overlay, .memoryOverlay, .bind], [.networkNamespace], [.virtualLinks], [.processNamespace],
            [.mountNamespace], [.cpuLimits, .memoryLimits, .processLimits], Ability.allCases,
        ] as [[Ability]]) func `runs, stops and enters a container without`(missing: [Ability]) async throws
    {
        let machine = Machine("less") { $0.disabling = Set(missing) }
        let runtime = try await machine.open()
        #expect(!runtime.abilities.missing.isEmpty)
        await check(machine, runtime)
        await runtime.teardown()
        #expect(machine.leftovers() == [])
    }

    @Test(arguments: ["-sys_admin", "-net_admin", "-sys_admin,-net_admin", "-mknod,-setpcap", "-all"]) func `runs when really without`(rights: String)
        async throws
    {
        let setpriv = try #require(Command.find("setpriv"), "setpriv (util-linux) is needed for this test")
        let machine = Machine("capless") { $0.helperCommand = [setpriv, "--bounding-set", rights, PauseProgram.path] }
        let runtime = try await machine.open()
        if rights.contains("sys_admin") || rights == "-all" {
            #expect(!runtime.abilities.hasNamespaces && !runtime.abilities.hasPodNetwork && !runtime.abilities.hasWritableLayers)
        }
        if rights == "-net_admin" { #expect(runtime.abilities.hasNamespaces && !runtime.abilities.hasPodNetwork) }
        await check(machine, runtime)
        await runtime.teardown()
        #expect(machine.leftovers() == [])
    }

    func check(_ machine: Machine, _ runtime: HostRuntime) async {
        do {
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            #expect(runtime.abilities.hasPodNetwork == sandbox.address.hasPrefix("10."))
            #expect(runtime.abilities.hasPodNetwork || machine.configuration.loopbackRange.contains(IPv4Address(sandbox.address)!))
            let status = try await runtime.startContainer(machine.shell("echo $A; cat /dev/null; sleep 61"), sandbox: sandbox.id)
            #expect(try await eventually { try machine.log(status) == ["stdout F 1"] })
            let result = try await runtime.execute(container: status.id, command: ["echo", "inside"], timeout: .seconds(5))
            #expect(result.output == Array("inside\n".utf8) && result.exitCode == 0)
            try await runtime.stopContainer(id: status.id, gracePeriod: .seconds(2))
            let exit = try await runtime.exit(of: status.id)
            #expect(exit.code == 143 || exit.code == 137)
            let other = try await runtime.startContainer(machine.shell("sleep 62 & exit 5") { $0.name = "other" }, sandbox: sandbox.id)
            #expect(try await runtime.exit(of: other.id).code == 5)
            #expect(kill(other.pid, 0) != 0)
        } catch {
            Issue.record(error)
        }
    }
}
