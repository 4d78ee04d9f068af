import ArgumentParser
import CShims
import Logging
import Runtime
import Terminal

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Measure this node and its containers each second, and show it on port 10255.",
        discussion: """
            Needs nothing else: no store, no API server. Docker, Podman, containerd, CRI-O and systemd are asked whose a
            cgroup is, where they are; a cgroup that nobody owns is measured under its path. With --logs-to it also
            ships log lines: of pods, Docker, Podman, the journal or the kernel, or what --logs-config names.

              http://127.0.0.1:10255/                    a page to look at
              http://127.0.0.1:10255/metrics/cadvisor    containers, under cAdvisor's names
              http://127.0.0.1:10255/metrics/node        the node, under node_exporter's names
              http://127.0.0.1:10255/stats/summary       the kubelet's summary; /api/v1.3 and /api/v2.1 are cAdvisor's

            Each flag is also a key of /etc/binnacle/collect.yaml (--config names another file). Stays in the
            foreground; Ctrl-C or SIGTERM ends it.

            EXAMPLES
              binnacle collect
              binnacle collect --bind-address 0.0.0.0 --token-file /etc/binnacle/token
              binnacle collect --enable-metrics tcp,udp,hugetlb --container-labels 'app,com.example.*'
              binnacle collect --collector.systemd --no-collector.xfs --collector.filesystem.mount-points-exclude '^/(dev|proc|sys)($|/)'
              binnacle collect --logs-to http://10.0.0.5:10251
              docker run -v /:/host:ro --pid host --network host ... binnacle collect --root /host
            """)

    @Flag(help: "Only check the configuration and print what it comes to.") var check = false
    @OptionGroup var options: CollectOptions

    func run() async throws {
        let settings = try options.settings()
        if check {
            for key in CollectKey.all { try Output.write("\(key.name): \(key.read(settings))\n") }
            return
        }
        binnacle_allocate_thriftily()
        LoggingSystem.bootstrap { label in
            ProgramLog(format: settings.logFormat, label: label, logLevel: settings.logLevel.level)
        }
        let server = try await CollectServer.make(settings)
        try Output.write(server.greeting)
        try await server.run()
        Output.error("stopped")
    }
}
