import ContainerRuntime
import JSON
import Objects

/// Makes what the runtime is told of a container: a function of the pod, the node and the objects it names.
struct ContainerSetup: Sendable {
    var pod: PodSpec
    var container: ContainerSpec
    var fields: DownwardFields
    var services: [JSON]
    var objects: ReferencedObjects
    var volumes: PodVolumes
    var configuration: KubeletConfiguration
    var nodeMemoryBytes: Int64
    var restartCount: Int
    var backoff: RestartBackoff

    /// The configuration, and the variables of `envFrom` that had no name a variable can have.
    func config() throws(ConfigurationError) -> (ContainerConfig, skipped: [String]) {
        let environment = try ContainerEnvironment(of: container, fields: fields, services: services, objects: objects, path: configuration.defaultPath)
        func expand(_ text: String) -> String { Expansion.expand(text) { environment[$0] } }
        let user = container.securityContext["runAsUser"].int ?? pod.securityContext["runAsUser"].int
        let mustNotBeRoot = container.securityContext["runAsNonRoot"].bool ?? pod.securityContext["runAsNonRoot"].bool ?? false
        if mustNotBeRoot, user == nil || user == 0 {
            throw ConfigurationError(
                "container has runAsNonRoot and image will run as root (pod: \"\(pod.fullName)\", container: \(container.name))")
        }
        let command = (container.command + container.arguments).map(expand)
        // Without a command the image's own is meant, and only the runtime knows whether it has one.
        let config = ContainerConfig(
            name: container.name, restartCount: restartCount, image: container.image, command: command, workingDirectory: container.workingDirectory,
            environment: environment.list, userID: user, groupID: container.securityContext["runAsGroup"].int ?? pod.securityContext["runAsGroup"].int,
            limits: ContainerResources.limits(of: container, pids: nil),
            oomScoreAdjustment: ContainerResources.oomScoreAdjustment(of: container, qosClass: pod.qosClass, nodeMemoryBytes: nodeMemoryBytes),
            mounts: try volumes.mounts(of: container, in: pod, expand: expand), terminationMessagePath: container.terminationMessagePath,
            logFileBytes: configuration.logFileBytes, logFileLimit: configuration.logFileLimit,
            annotations: annotations)
        return (config, environment.skipped)
    }

    /// What the runtime keeps for us, and what it understands itself.
    private var annotations: [String: String] {
        var annotations = [ContainerHistory.delayAnnotation: "\(backoff.delay)", ContainerHistory.raisedAnnotation: "\(backoff.raised)"]
        if container.securityContext["privileged"].bool == true { annotations[ContainerConfig.privilegedKey] = "true" }
        if container.securityContext["allowPrivilegeEscalation"].bool == false { annotations[ContainerConfig.noNewPrivilegesKey] = "true" }
        return annotations
    }
}
