import Glibc
import InternetAddresses
import JSON
import Runtime
import TestKit
import Testing

@testable import ContainerRuntime

@Suite(.serialized) struct HostRuntimeTests {
    let files = HostFileSystem()

    /// Runs `body` with a runtime of its own and takes everything away afterwards.
    func withRuntime(
        _ name: String, change: (inout HostRuntimeConfiguration) -> Void = { _ in }, _ body: (Machine, HostRuntime) async throws -> Void
    ) async throws {
        let machine = Machine(name, change: change)
        let runtime = try await machine.open()
        do {
            try await body(machine, runtime)
            await runtime.teardown()
        } catch {
            await runtime.teardown()
            throw error
        }
        #expect(machine.leftovers() == [])
    }

    @Test func `runs a command in a pod of its own and keeps its output and exit`() async throws {
        try await withRuntime("run") { machine, runtime in
            #expect(runtime.abilities.missing == [])
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            #expect(try await runtime.runSandbox(machine.sandbox()) == sandbox)
            let started = try await runtime.startContainer(
                machine.shell("echo out; echo err >&2; hostname; echo $$ $A; tail -1 /etc/hosts; cat /etc/hostname; ls /sys/class/net | tr '\\n' ' '; exit 3"),
                sandbox: sandbox.id)
            let exit = try await runtime.exit(of: started.id)
            #expect(exit.code == 3 && exit.signal == nil && !exit.outOfMemory && exit.finished > started.started)
            let log = try machine.log(started)
            for line in ["stdout F out", "stderr F err", "stdout F pod", "stdout F 1 1", "stdout F \(sandbox.address)\tpod", "stdout F eth0 lo "] {
                #expect(log.contains(line), "\(line) in \(log)")
            }
            // A pod that has ended keeps its sandbox; the container can be removed.
            try await runtime.removeContainer(id: started.id)
            #expect(await runtime.sandboxes().map(\.containers.count) == [0])
            await #expect(throws: RuntimeError.unknownContainer(started.id)) { try await runtime.removeContainer(id: started.id) }
        }
    }

    @Test func `writes go to the container's layer and never to the host`() async throws {
        try await withRuntime("layer") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let volume = machine.directory.file("volume")
            try files.makeDirectory(volume, mode: 0o755)
            try files.write("\(volume)/x", Array("from volume".utf8))
            let script = """
                echo hi > /etc/binnacle-test-\(getpid()); rm -rf /usr/share/doc; ls /usr/share/doc 2>&1 | wc -l
                cat /data/x; echo; echo no > /fixed/x || echo read-only; echo new > /data/y
                ls \(machine.directory.path)/runtime | wc -l
                """
            let status = try await runtime.startContainer(
                machine.shell(script) {
                    $0.mounts = [
                        .init(source: volume, target: "/data", isReadOnly: false), .init(source: volume, target: "/fixed", isReadOnly: true),
                    ]
                }, sandbox: sandbox.id)
            _ = try await runtime.exit(of: status.id)
            let log = try machine.log(status)
            #expect(log.contains("stdout F from volume") && log.contains("stdout F read-only"))
            // The runtime's own directory is hidden.
            #expect(log.last == "stdout F 0")
            #expect(!files.exists("/etc/binnacle-test-\(getpid())") && files.exists("/usr/share/doc"))
            #expect(try files.text("\(volume)/y") == "new\n" && files.text("\(volume)/x") == "from volume")
        }
    }

    @Test func `says why a container cannot start`() async throws {
        try await withRuntime("fail") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            func problem(_ config: ContainerConfig) async -> String {
                do { _ = try await runtime.startContainer(config, sandbox: sandbox.id) } catch { return error.description }
                return "started"
            }
            #expect(await problem(machine.container("a", ["no-such-program"])) == #"container a: exec: "no-such-program": executable file not found in $PATH"#)
            #expect(await problem(machine.container("a", ["/etc/hosts"])) == #"container a: exec: "/etc/hosts": Permission denied"#)
            #expect(await problem(machine.container("a", ["true"]) { $0.workingDirectory = "/nowhere" }).contains("working directory /nowhere"))
            #expect(
                await problem(machine.container("a", ["true"]) { $0.mounts = [.init(source: "/nowhere", target: "/x", isReadOnly: true)] })
                    == "container a: cannot mount /nowhere on /x: No such file or directory")
            #expect(await problem(machine.container("../a", ["true"])).contains("cannot be part of a path"))
            #expect(await problem(machine.container("a", ["true"]) { $0.image = "nginx" }).contains("\"nginx\""))
            #expect(await runtime.sandboxes()[0].containers == [])
            await #expect(throws: RuntimeError.unknownSandbox("x")) { try await runtime.startContainer(machine.shell("true"), sandbox: "x") }
        }
    }

    @Test(arguments: [
        // A program that does nothing about TERM ends, though it is process 1 of its namespace.
        ("exec sleep 60", 143, 15, 60), ("trap 'exit 7' TERM; while :; do sleep 0.05; done", 7, nil, 60),
        // One that ignores it on purpose is killed when its time is over.
        ("trap '' TERM; while :; do sleep 0.05; done", 137, 9, 2),
    ]) func `stops by the signal, then by force`(script: String, code: Int, signal: Int?, grace: Int64) async throws {
        try await withRuntime("stop") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let status = try await runtime.startContainer(machine.shell("echo ready; \(script)"), sandbox: sandbox.id)
            #expect(try await eventually { try machine.log(status).contains("stdout F ready") })
            let began = ContinuousClock.now
            try await runtime.stopContainer(id: status.id, gracePeriod: .seconds(grace))
            // What ends by the signal does not sit out its minute.
            #expect(code == 137 || ContinuousClock.now - began < .seconds(grace))
            let exit = try await runtime.exit(of: status.id)
            #expect(exit.code == code && exit.signal == signal && !exit.outOfMemory)
            try await runtime.stopContainer(id: status.id, gracePeriod: .seconds(4))
        }
    }

    @Test func `a container that takes too much memory is killed and says so`() async throws {
        try await withRuntime("oom") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let status = try await runtime.startContainer(
                machine.container("hog", ["/bin/sh", "-c", "exec tail /dev/zero"]) { $0.limits.memoryBytes = 32 << 20 }, sandbox: sandbox.id)
            let exit = try await runtime.exit(of: status.id, within: .seconds(30))
            #expect(exit == .init(code: 137, signal: 9, outOfMemory: true, finished: exit.finished, message: ""))
            #expect(await runtime.sandboxes()[0].isReady)
        }
    }

    @Test func `reads the program's last words, at most 4096 bytes`() async throws {
        try await withRuntime("words") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let short = try await runtime.startContainer(
                machine.shell("printf bye > /dev/termination-log; exit 1") { $0.userID = 65534 }, sandbox: sandbox.id)
            #expect(try await runtime.exit(of: short.id).message == "bye")
            let long = try await runtime.startContainer(
                machine.shell("head -c 5000 /dev/zero | tr '\\0' x > /var/last/words") {
                    $0.name = "long"
                    $0.terminationMessagePath = "/var/last/words"
                }, sandbox: sandbox.id)
            #expect(try await runtime.exit(of: long.id).message == String(repeating: "x", count: 4096))
        }
    }

    @Test func `runs commands in a container`() async throws {
        try await withRuntime("exec") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let status = try await runtime.startContainer(machine.shell("echo a > /tmp/mark; exec sleep 60"), sandbox: sandbox.id)
            #expect(await eventually { (try? await runtime.execute(container: status.id, command: ["cat", "/tmp/mark"], timeout: .seconds(5)).exitCode) == 0 })
            let result = try await runtime.execute(
                container: status.id, command: ["sh", "-c", "cat /tmp/mark; hostname; tr '\\0' ' ' < /proc/1/cmdline; echo; echo e >&2; exit 4"],
                timeout: .seconds(5))
            #expect(String(decoding: result.output, as: UTF8.self) == "a\npod\nsleep 60 \ne\n" && result.exitCode == 4 && !result.timedOut)
            let long = try await runtime.execute(container: status.id, command: ["head", "-c", "20000", "/dev/zero"], timeout: .seconds(5))
            #expect(long.output == [UInt8](repeating: 0, count: 10240) && long.exitCode == 0)
            let slow = try await runtime.execute(container: status.id, command: ["sh", "-c", "echo x; sleep 60 & sleep 60"], timeout: .milliseconds(200))
            #expect(slow.timedOut && slow.exitCode == 137 && slow.output == [120, 10])
            let processes = try await runtime.execute(
                container: status.id, command: ["sh", "-c", "for p in /proc/[0-9]*; do grep -q 'State:.Z' $p/status || cat $p/comm; done"], timeout: .seconds(5)
            )
            #expect(String(decoding: processes.output, as: UTF8.self).split(separator: "\n").filter { $0 == "sleep" }.count == 1)
            await #expect(throws: RuntimeError.start(#"exec: "nothing": executable file not found in $PATH"#)) {
                try await runtime.execute(container: status.id, command: ["nothing"], timeout: .seconds(5))
            }
        }
    }

    @Test func `a second runtime takes up what the first left running`() async throws {
        let machine = Machine("adopt")
        let first = try await machine.open()
        let sandbox = try await first.runSandbox(machine.sandbox())
        let running = try await first.startContainer(machine.shell("echo up; sleep 60"), sandbox: sandbox.id)
        let ending = try await first.startContainer(
            machine.shell("sleep 0.3; printf late > /dev/termination-log; exit 9") { $0.name = "late" }, sandbox: sandbox.id)
        await first.shutdown(removingSandboxes: false)
        #expect(await eventually { files.exists("\(machine.configuration.stateDirectory)/sandboxes/\(sandbox.id)/containers/\(ending.id)/exit") })
        // What a crash leaves behind.
        try files.makeDirectory("\(machine.configuration.stateDirectory)/sandboxes/dead", mode: 0o700)

        let second = try await machine.open()
        let found = try #require(await second.sandboxes().first)
        #expect(found.id == sandbox.id && found.isReady && found.pid == sandbox.pid && found.address == sandbox.address && found.config == sandbox.config)
        #expect(found.containers.first { $0.id == running.id } == running)
        #expect(try await second.exit(of: ending.id).code == 9)
        #expect(try await second.exit(of: ending.id).message == "late")
        // The next pod gets another address.
        #expect(try await second.runSandbox(machine.sandbox("other")).address != sandbox.address)
        #expect(try await second.execute(container: running.id, command: ["true"], timeout: .seconds(5)).exitCode == 0)
        await second.teardown()
        #expect(machine.leftovers() == [])
    }

    @Test func `a killed supervisor is a lost sandbox, and nothing of it goes on`() async throws {
        try await withRuntime("lost") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let status = try await runtime.startContainer(machine.shell("sleep 60"), sandbox: sandbox.id)
            var events = runtime.events().makeAsyncIterator()
            let parent = try #require(try machine.parent(of: sandbox.pid))
            kill(parent, SIGKILL)
            #expect(await events.next() == .containerExited(sandbox: sandbox.id, container: status.id))
            #expect(await events.next() == .sandboxLost(sandbox: sandbox.id))
            #expect(try await runtime.exit(of: status.id).code == 137)
            #expect(await runtime.sandboxes()[0].isReady == false)
            #expect(await eventually { kill(status.pid, 0) != 0 && kill(sandbox.pid, 0) != 0 })
            // The pod's next sandbox is another one.
            #expect(try await runtime.runSandbox(machine.sandbox()).id != sandbox.id)
        }
    }

    @Test func `a killed pause process is a lost sandbox`() async throws {
        try await withRuntime("pause") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            var events = runtime.events().makeAsyncIterator()
            kill(sandbox.pid, SIGKILL)
            #expect(await events.next() == .sandboxLost(sandbox: sandbox.id))
        }
    }

    @Test func `pods reach each other and refuse unassigned service addresses at once`() async throws {
        try await withRuntime("net", change: { $0.serviceRange = IPv4Network("10.254.7.0/24") }) { machine, runtime in
            let server = try await runtime.runSandbox(machine.sandbox("server")), client = try await runtime.runSandbox(machine.sandbox("client"))
            let python = "import socket; s=socket.create_server(('', 8080)); c,_=s.accept(); c.sendall(b'hello'); c.close()"
            let status = try await runtime.startContainer(machine.container("main", ["python3", "-c", python]), sandbox: server.id)
            let script = """
                import socket, time
                for _ in range(100):
                    try: print(socket.create_connection(('\(server.address)', 8080), 5).recv(9)); break
                    except OSError: time.sleep(0.05)
                try: socket.create_connection(('10.254.7.9', 80), 5)
                except OSError as e: print(type(e).__name__)
                """
            let asked = try await runtime.startContainer(machine.container("main", ["python3", "-c", script]), sandbox: client.id)
            #expect(try await runtime.exit(of: asked.id, within: .seconds(30)).code == 0)
            #expect(try machine.log(asked) == ["stdout F b'hello'", "stdout F ConnectionRefusedError"])
            #expect(try await runtime.exit(of: status.id).code == 0)
        }
    }

    @Test func `a container has no rights over the machine`() async throws {
        try await withRuntime("rights") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let script = """
                mount -t tmpfs x /mnt 2>/dev/null && echo BAD mount; mknod /tmp/d b 8 0 2>/dev/null && echo BAD mknod
                (echo c > /proc/sysrq-trigger) 2>/dev/null && echo BAD sysrq; (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && echo BAD core
                nsenter -t 1 -n true 2>/dev/null && echo BAD nsenter; ip link del eth0 2>/dev/null && echo BAD link
                for f in /proc/self/fd/*; do case $(readlink $f) in /proc*|pipe*|/dev/null|'') ;; *) echo BAD fd $f $(readlink $f);; esac; done
                (echo 1 > /sys/fs/cgroup/memory/memory.limit_in_bytes) 2>/dev/null && echo BAD cgroup
                grep CapEff /proc/self/status; ls /proc/keys -l | cut -c1; ps -e 2>/dev/null | wc -l
                """
            let status = try await runtime.startContainer(machine.shell(script), sandbox: sandbox.id)
            _ = try await runtime.exit(of: status.id)
            let log = try machine.log(status)
            #expect(!log.contains { $0.contains("BAD") }, "\(log)")
            // The OCI's set without mknod.
            #expect(log.contains("stdout F CapEff:\t00000000a00425fb"), "\(log)")
        }
    }

    @Test func `containers share process ids when asked, and what one leaves behind still ends with it`() async throws {
        try await withRuntime("share") { machine, runtime in
            var config = machine.sandbox()
            config.annotations[SandboxConfig.shareProcessNamespaceKey] = "true"
            let sandbox = try await runtime.runSandbox(config)
            let first = try await runtime.startContainer(machine.shell("cat /proc/1/comm; sleep 63 & echo $$; exit 0"), sandbox: sandbox.id)
            #expect(try await runtime.exit(of: first.id).code == 0)
            let log = try machine.log(first)
            #expect(log.first == "stdout F pause" && log.last != "stdout F 1")
            let second = try await runtime.startContainer(
                machine.shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 6[3]'") { $0.name = "second" }, sandbox: sandbox.id)
            _ = try await runtime.exit(of: second.id)
            #expect(try machine.log(second) == ["stdout F 0"])
        }
    }

    @Test func `a pod in the host's network has its interfaces and the node's address`() async throws {
        try await withRuntime("host", change: { $0.nodeAddress = "127.0.0.9" }) { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox(hostNetwork: true))
            #expect(sandbox.address == "127.0.0.9")
            let status = try await runtime.startContainer(machine.shell("ls /sys/class/net"), sandbox: sandbox.id)
            _ = try await runtime.exit(of: status.id)
            #expect(try machine.log(status).contains("stdout F \(machine.configuration.bridge)"))
        }
    }

    @Test func `rotates a running container's log and loses nothing`() async throws {
        try await withRuntime("rotate") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            // Rotated at most once a second, so two bursts give two files.
            let status = try await runtime.startContainer(
                machine.shell("seq 1 20000; sleep 1.1; seq 20001 40000") {
                    $0.logFileBytes = 100_000
                    $0.logFileLimit = 10
                }, sandbox: sandbox.id)
            _ = try await runtime.exit(of: status.id)
            let directory = String(status.logPath.prefix(upTo: status.logPath.lastIndex(of: "/")!))
            let names = try files.list(directory)
            #expect(names.count >= 3 && names.contains("0.log"))
            // Oldest first, the current file last.
            let text = try (names.filter { $0 != "0.log" } + ["0.log"]).map { try files.text("\(directory)/\($0)") }.joined()
            let numbers = text.split(separator: "\n").compactMap { Int($0.split(separator: " ").last!) }
            #expect(numbers == Array(1...40000))
        }
    }

    @Test func `a fork bomb stays within its limit and ends with its container`() async throws {
        try await withRuntime("bomb") { machine, runtime in
            let sandbox = try await runtime.runSandbox(machine.sandbox())
            let status = try await runtime.startContainer(
                machine.shell("while :; do sleep 60 & done 2>/dev/null; sleep 60") { $0.limits.pids = 30 }, sandbox: sandbox.id)
            #expect(await eventually { machine.processes(in: status.cgroupPath) >= 25 || machine.processes(in: status.cgroupPath) == 0 })
            try await runtime.stopContainer(id: status.id, gracePeriod: .zero)
            #expect(machine.processes(in: status.cgroupPath) == 0)
        }
    }

    @Test func `starts within the time that people do not notice`() async throws {
        try await withRuntime("speed") { machine, runtime in
            var sandboxTimes: [Duration] = [], containerTimes: [Duration] = []
            for index in 0..<10 {
                let began = ContinuousClock.now
                let sandbox = try await runtime.runSandbox(machine.sandbox("pod\(index)"))
                let middle = ContinuousClock.now
                _ = try await runtime.startContainer(machine.container("main", ["sleep", "60"]), sandbox: sandbox.id)
                sandboxTimes.append(middle - began)
                containerTimes.append(ContinuousClock.now - middle)
                if index == 9 {
                    let supervisor = try #require(try machine.parent(of: sandbox.pid))
                    print("supervisor", try machine.memory(of: supervisor), "pause", try machine.memory(of: sandbox.pid))
                }
            }
            print("sandbox median \(sandboxTimes.sorted()[5]), container median \(containerTimes.sorted()[5])")
            // Ten times what it takes on an idle machine.
        }
    }
}
