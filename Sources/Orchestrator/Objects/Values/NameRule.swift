/// How a name must look. The raw values are what the schema language says.
public enum NameRule: String, Sendable {
    /// DNS-1123 subdomain: most objects.
    case subdomain
    /// DNS-1123 label: namespaces, containers, volumes.
    case label
    /// DNS-1035 label: services.
    case service
    /// What may stand in a URL path: any name without `/` and `%`.
    case pathSegment

    /// What is wrong with `name`, in Kubernetes' words; empty if nothing is.
    public func problems(_ name: String) -> [String] {
        switch self {
        case .subdomain: Names.subdomainProblems(name)
        case .label: Names.labelProblems(name)
        case .service: Names.serviceProblems(name)
        case .pathSegment: Names.pathSegmentProblems(name)
        }
    }
}
