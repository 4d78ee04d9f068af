/// Which of the machine's cgroups are shown.
public struct CgroupFilter: Sendable, Hashable {
    /// Only those that somebody owns (`--docker-only`), their ancestors not included.
    public var onlyOwned = false
    /// With `onlyOwned`, cgroups below these paths are shown as well; without, only those are, beside the owned ones.
    /// Empty is all.
    public var rawPrefixes: [String] = []
    /// Paths that are shown in any case, if they are there.
    public var always: Set<String> = ["/"]

    public init() {}

    public func shows(_ path: String, isOwned: Bool) -> Bool {
        if isOwned || always.contains(path) { return true }
        if rawPrefixes.isEmpty { return !onlyOwned }
        return rawPrefixes.contains { prefix in
            guard path.utf8.starts(with: prefix.utf8) else { return false }
            let rest = path.utf8.dropFirst(prefix.utf8.count)
            return rest.isEmpty || prefix.hasSuffix("/") || rest.first == UInt8(ascii: "/")
        }
    }
}
