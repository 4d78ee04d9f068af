/// A kind's plural name and API group, as RBAC and error messages name it: `pods`, `deployments.apps`.
public struct Resource: Hashable, Sendable, CustomStringConvertible {
    /// Empty for the core group.
    public let group: String
    public let name: String

    public init(_ name: String, group: String = "") {
        self.group = group
        self.name = name
    }

    public var description: String { group.isEmpty ? name : "\(name).\(group)" }

    public static let pods = Resource("pods")
    public static let services = Resource("services")
    public static let endpoints = Resource("endpoints")
    public static let nodes = Resource("nodes")
    public static let namespaces = Resource("namespaces")
    public static let events = Resource("events")
    public static let configMaps = Resource("configmaps")
    public static let secrets = Resource("secrets")
    public static let serviceAccounts = Resource("serviceaccounts")
    public static let deployments = Resource("deployments", group: "apps")
    public static let replicaSets = Resource("replicasets", group: "apps")
    public static let endpointSlices = Resource("endpointslices", group: "discovery.k8s.io")
    public static let leases = Resource("leases", group: "coordination.k8s.io")
}
