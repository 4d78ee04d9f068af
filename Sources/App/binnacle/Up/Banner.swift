import ContainerRuntime
import Runtime
import Telemetry

/// What a person sees once everything runs: where things are and what to try.
struct Banner {
    var settings: Settings
    var abilities: RuntimeAbilities
    var kubeconfig: String
    var podNetwork: String
    var isDemo: Bool
    var nodeReady: Duration
    var podsReady: Duration

    var text: String {
        let readOnly = "http://\(settings.bindAddress == "0.0.0.0" ? "127.0.0.1" : settings.bindAddress):\(settings.readOnlyPort)"
        let offset = settings.portOffset == 0 ? "" : " --port-offset \(settings.portOffset)"
        let program = Self.program
        var text = """

            Binnacle \(Binnacle.version) is up: node \(settings.nodeName) ready after \(seconds(nodeReady))\(isDemo ? ", the demo after \(seconds(podsReady))" : "").

              read-only endpoint   \(readOnly)
              Kubernetes API       https://127.0.0.1:\(settings.apiPort)
              kubeconfig           \(kubeconfig)
              pods                 \(isolation)
              data                 \(settings.dataDir)

            Five things to try in another terminal:

            """
        let commands: [String]
        if isDemo {
            commands = [
                "kubectl --kubeconfig \(kubeconfig) get pods -n shop -o wide",
                "curl -s \(readOnly)/stats/summary | head -40",
                "\(program) query\(offset) 'sum by (pod) (rate(container_cpu_usage_seconds_total{namespace=\"shop\"}[1m]))'",
                "\(program) logs\(offset) -n shop --since 10m 'checkout failed'",
                "\(program) report\(offset) --since 1h -o report.html",
            ]
        } else {
            commands = [
                "kubectl --kubeconfig \(kubeconfig) get nodes -o wide",
                "curl -s \(readOnly)/stats/summary | head -40",
                "\(program) query\(offset) 'node_load1'",
                "kubectl --kubeconfig \(kubeconfig) run hello --image=host --restart=Never --command -- echo hello",
                "\(program) report\(offset) --since 1h -o report.html",
            ]
        }
        for command in commands { text += "  \(command)\n" }
        return text + "\nCtrl-C stops everything.\n\n"
    }

    private var isolation: String {
        var words: [String] = []
        words.append(abilities.hasNamespaces ? "own namespaces" : "plain process groups")
        words.append(abilities.hasPodNetwork ? "own network (\(podNetwork))" : "the host's network")
        let controllers = abilities.cgroupControllers.sorted().joined(separator: ", ")
        words.append(controllers.isEmpty ? "no limits" : "limits of \(controllers)")
        return words.joined(separator: ", ")
    }

    private func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100)\(milliseconds % 100 / 10) s"
    }

    /// How this program was called, so that the commands work when pasted: its full path unless it is on the PATH.
    private static var program: String {
        guard let path = linkTarget("/proc/self/exe") else { return "binnacle" }
        let directory = path[..<(path.lastIndex(of: "/") ?? path.endIndex)]
        let isOnPath = (Output.environment("PATH") ?? "").split(separator: ":").contains { $0 == directory }
        return isOnPath ? "binnacle" : path
    }
}
