import APIServer
import ArgumentParser
import ContainerRuntime
import JSON
import Logging
import Objects
import Runtime
import Terminal

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a node, the API server, the stores and the endpoints, here and now.",
        discussion: """
            Stays in the foreground. Ctrl-C or SIGTERM stops everything that it started: pods, cgroups, mounts,
            namespaces and rules; a second one does not wait. What is kept is in the data directory.

            As root each pod gets namespaces, an address and limits of its own. Where a right is missing it
            works with less and says what is missing.

            EXAMPLES
              binnacle up --demo
              binnacle up --data-dir /srv/binnacle --port-offset 100
              binnacle up --rules 'rules/*.yml' --notify notify.yml     (read anew on SIGHUP and when they change)
            """)

    @Flag(help: "Also run the demo shop.") var demo = false
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let started = ContinuousClock.now
        let settings = try options.settings()
        LoggingSystem.bootstrap { label in
            ProgramLog(format: settings.logFormat, label: label, logLevel: settings.logLevel.level)
        }
        let server = try await Server.make(settings)
        for sentence in server.runtime.abilities.missing { Output.error("missing: \(sentence)") }
        let greeting = Part(name: "greeting") { try await greet(server, since: started) }
        try await server.run(also: [greeting])
        Output.error("stopped")
    }

    private func greet(_ server: Server, since started: ContinuousClock.Instant) async throws {
        try await waitForNode(server)
        let nodeReady = ContinuousClock.now - started
        if demo {
            try await Demo.apply(with: server.client)
            // The commands below are for a shop that runs; a slow machine gets them after ten seconds all the same.
            for _ in 0..<500 {
                if await Demo.isReady(server.client) { break }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let podsReady = ContinuousClock.now - started
        try Output.write(
            Banner(
                settings: server.settings, abilities: server.runtime.abilities, kubeconfig: server.kubeconfigPath, podNetwork: server.podNetwork, isDemo: demo,
                nodeReady: nodeReady, podsReady: podsReady
            ).text)
    }

    private func waitForNode(_ server: Server) async throws {
        while true {
            let node = try? await server.client.get(.nodes, namespace: nil, name: server.settings.nodeName)
            if node?["status"]["conditions"].elements.contains(where: { $0["type"] == "Ready" && $0["status"] == "True" }) == true { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
