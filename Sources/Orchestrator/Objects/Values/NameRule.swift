/// How a name must look.
public enum NameRule: Sendable {
    /// DNS-1123 subdomain: most objects.
    case subdomain
    /// DNS-1123 label: namespaces, containers, volumes.
    case label
    /// DNS-1035 label: services.
    case service
    /// What may stand in a URL path: any name without `/` and `%`.
    case pathSegment

    /// What is wrong with `name`, in Kubernetes' words; empty if nothing is.
    public func problems(_ name: String) -> [String] { [] }
}
