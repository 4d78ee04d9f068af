/// What a kubelet needs to know of its place.
public struct KubeletConfiguration: Sendable {
    public var nodeName: String
    /// The node's own IPv4 address.
    public var nodeAddress: String
    /// Labels of the node beside the standard ones.
    public var nodeLabels: [String: String] = [:]
    /// `kubeletVersion`, as `kubectl get nodes` shows it: `v1.33.0+binnacle`.
    public var version: String
    public var kubeletPort = 10250
    public var podCIDR: String?
    /// Pods' volumes lie below it: `<root>/pods/UID/volumes/NAME`.
    public var rootDirectory: String
    /// `<logs>/NAMESPACE_NAME_UID/CONTAINER/N.log`.
    public var logDirectory: String
    /// Log directories of pods that are gone stay this long, so that who reads along comes to the end.
    public var logGrace = Duration.seconds(60)
    /// Rotation of a container's log.
    public var logFileBytes: Int64 = 10 << 20
    public var logFileLimit = 5
    /// pids.max of each pod; nil is unlimited.
    public var podPIDLimit: Int?
    /// PATH of a container that sets none.
    public var defaultPath = ContainerEnvironment.standardPath
    /// The longest wait between restarts of a container that keeps ending.
    public var restartDelayLimit = Duration.seconds(300)

    public init(nodeName: String, nodeAddress: String, version: String, rootDirectory: String, logDirectory: String) {
        self.nodeName = nodeName
        self.nodeAddress = nodeAddress
        self.version = version
        self.rootDirectory = rootDirectory
        self.logDirectory = logDirectory
    }

    /// Where a pod's log files lie.
    func logDirectory(of pod: PodSpec) -> String { "\(logDirectory)/\(pod.namespace)_\(pod.name)_\(pod.uid)" }
}
