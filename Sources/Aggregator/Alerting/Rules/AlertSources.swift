import Runtime
import Telemetry

/// The files that say what to evaluate and whom to tell.
public struct AlertSources: Sendable, Hashable {
    /// What they come to.
    public struct Loaded: Sendable {
        public var rules: [RuleFile] = []
        public var policy = NotificationPolicy()
        /// Everything that is wrong; with errors nothing of it must be used.
        public var errors: [RuleFileError] = []

        public init() {}

        public var ruleCount: Int { rules.reduce(0) { $0 + $1.groups.reduce(0) { $0 + $1.rules.count } } }

        /// The expression of each alert, for links back to it.
        public var queries: [String: String] {
            let all = rules.flatMap(\.groups).flatMap(\.rules).compactMap { rule -> (String, String)? in
                if case .alerting(let alert) = rule.kind { (alert.name, rule.query) } else { nil }
            }
            return Dictionary(all) { first, _ in first }
        }
    }

    /// What `/api/v1/rules` calls the file of the built-in alerts.
    public static let builtInName = "built-in alerts"

    /// Paths, which may have wildcards.
    public var rules: [String]
    /// The file of the notification policy.
    public var policy: String?
    /// YAML of the alerts that the program brings along; nil leaves them out.
    public var builtIn: [UInt8]?

    public init(rules: [String] = [], policy: String? = nil, builtIn: [UInt8]? = nil) {
        self.rules = rules
        self.policy = policy
        self.builtIn = builtIn
    }

    /// Reads all files anew.
    public func load(from files: some FileSystem) -> Loaded {
        var loaded = Loaded()
        func take(_ read: (file: RuleFile, errors: [RuleFileError])) {
            loaded.rules.append(read.file)
            loaded.errors += read.errors
        }
        if let builtIn { take(RuleFile.parse(builtIn, path: Self.builtInName)) }
        for path in paths(in: files) {
            do {
                take(RuleFile.parse(try files.read(path), path: path))
            } catch {
                loaded.errors.append(RuleFileError(file: path, problem: "cannot be read: \(error)"))
            }
        }
        guard let policy else { return loaded }
        do {
            let read = NotificationPolicy.parse(try files.read(policy), path: policy)
            loaded.policy = read.policy
            loaded.errors += read.errors
        } catch {
            loaded.errors.append(RuleFileError(file: policy, problem: "cannot be read: \(error)"))
        }
        return loaded
    }

    /// When each file changed last: with another answer it is time to load again.
    public func stamps(in files: some FileSystem) -> [String: FileStatus] {
        var stamps: [String: FileStatus] = [:]
        for path in paths(in: files) + (policy.map { [$0] } ?? []) { stamps[path] = try? files.status(path) }
        return stamps
    }

    /// Each file once, in the order in which they are named.
    private func paths(in files: some FileSystem) -> [String] {
        var seen: Set<String> = []
        return rules.flatMap { PathGlob.files($0, in: files) }.filter { seen.insert($0).inserted }
    }
}
