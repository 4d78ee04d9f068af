import Exposition
import Runtime

/// One cgroup that is shown, with all that is kept of it between rounds.
final class ContainerEntry {
    let path: String
    var reader: CgroupReader
    var reference: ContainerReference
    var labels: RenderedLabels
    var isOwned: Bool
    /// The reading before the newest.
    var previous: CgroupSample?
    var current: CgroupSample?
    var network: NetworkReading?
    var hasBeenRead = false

    init(path: String, reader: CgroupReader, reference: ContainerReference, isOwned: Bool) {
        self.path = path
        self.reader = reader
        self.reference = reference
        self.isOwned = isOwned
        labels = .none
    }
}

/// Which cgroups are shown this round, whose they are, and how each is labelled.
///
/// Not Sendable: the collector owns it.
final class ContainerTable {
    private let context: CgroupContext
    private let filter: CgroupFilter
    private(set) var entries: [String: ContainerEntry] = [:] {
        didSet { order = nil }
    }
    /// The entries by path, until one comes or goes.
    private var order: [ContainerEntry]?
    /// Owners by path, as far as they were told. A path that nobody owns is not in it.
    private var owners: [String: ContainerReference] = [:]
    /// Names of container labels and of environment that some row has: every row has all of them, so that each sample of a
    /// page has the same labels.
    private var labelNames: [String] = []
    private var environmentNames: [String] = []

    /// Names of container labels beyond this number are left out.
    static let labelNameLimit = 256

    init(context: CgroupContext, filter: CgroupFilter) {
        self.context = context
        self.filter = filter
    }

    /// The entries, sorted by path.
    var sorted: [ContainerEntry] {
        if let order { return order }
        let sorted = entries.values.sorted { $0.path < $1.path }
        order = sorted
        return sorted
    }

    /// The paths whose owners are to be asked for: all every tenth round, since an owner's word may change (a health check,
    /// a new name), and in the rounds of `asksAgain` those that are unknown. A cgroup that nobody has claimed by then is most
    /// often nobody's.
    func pathsToAsk(of paths: Set<String>, round: Int) -> [String] {
        if round % 10 == 0 {
            if firstAsked.count > 2 * paths.count + 64 { firstAsked = firstAsked.filter { paths.contains($0.key) } }
            return Array(paths)
        }
        return paths.filter { path in
            guard owners[path] == nil else { return false }
            if let first = firstAsked[path] { return ContainerTable.asksAgain(after: round - first) }
            firstAsked[path] = round
            return true
        }
    }
    private var firstAsked: [String: Int] = [:]

    /// Whether the owners of a cgroup that nobody knows are asked again some rounds after the first time, beside the tenth
    /// rounds that ask for all: most owners know a container within seconds, and most cgroups without one never get any.
    static func asksAgain(after rounds: Int) -> Bool { rounds < 8 || (rounds < 30 && rounds % 4 == 0) }

    /// What came of asking: `told` are the owners that name their containers themselves, `answers` those that were asked.
    func setOwners(told: [ContainerReference], asked: [String], answers: [ContainerReference]) {
        var now: [String: ContainerReference] = [:]
        let asked = Set(asked)
        // What was not asked about this time stays as it was.
        for (path, owner) in owners where !asked.contains(path) { now[path] = owner }
        for reference in answers { now[reference.cgroupPath] = reference }
        for reference in told { now[reference.cgroupPath] = reference }
        owners = now
    }

    /// Makes the entries match what is there. `found` is what the walk of the tree has seen; those that an owner tells of
    /// are tried whether it has or not. Returns the paths that went, which the caller removes.
    func update(found: Set<String>, told: [ContainerReference]) -> [String] {
        var wanted: Set<String> = []
        for path in found where filter.shows(path, isOwned: owners[path] != nil) { wanted.insert(path) }
        for reference in told { wanted.insert(reference.cgroupPath) }
        wanted.formUnion(filter.always)
        let went = entries.keys.filter { !wanted.contains($0) }
        var labelsChanged = false
        for path in wanted {
            let owner = owners[path]
            let reference = owner ?? ContainerReference(cgroupPath: path)
            if let entry = entries[path] {
                let isSame = entry.reference.hasLabels(of: reference)
                entry.reference = reference
                entry.isOwned = owner != nil
                guard !isSame else { continue }
                labelsChanged = noteNames(reference) || labelsChanged
                entry.labels = render(reference)
            } else {
                let entry = ContainerEntry(path: path, reader: CgroupReader(path: path, context: context), reference: reference, isOwned: owner != nil)
                labelsChanged = noteNames(reference) || labelsChanged
                entry.labels = render(reference)
                entries[path] = entry
            }
        }
        // A name that is new in one row is shown by all.
        if labelsChanged { for entry in entries.values { entry.labels = render(entry.reference) } }
        return went
    }

    func remove(_ path: String) {
        entries.removeValue(forKey: path)?.reader.closeAll()
        owners[path] = nil
        // Another cgroup under the same path is another's.
        firstAsked[path] = nil
    }

    private func noteNames(_ reference: ContainerReference) -> Bool {
        func note(_ names: inout [String], _ labels: [(name: String, value: String)]) -> Bool {
            var isNew = false
            for (name, _) in labels where !names.contains(name) && names.count < ContainerTable.labelNameLimit {
                names.append(name)
                isNew = true
            }
            if isNew { names.sort() }
            return isNew
        }
        let labels = note(&labelNames, reference.containerLabels)
        return note(&environmentNames, reference.environment) || labels
    }

    private func render(_ reference: ContainerReference) -> RenderedLabels {
        RenderedLabels(reference.labels + reference.extraLabels(labelNames, environmentNames))
    }
}

extension ContainerReference {
    /// `container_label_K` and `container_env_K`, empty where this container has none. Characters that a label's name may
    /// not have become `_`; of two names that become one the first stays.
    func extraLabels(_ labelNames: [String], _ environmentNames: [String]) -> [(name: String, value: String)] {
        var seen: Set<String> = []
        var all: [(name: String, value: String)] = []
        for (prefix, names, values) in [("container_label_", labelNames, containerLabels), ("container_env_", environmentNames, environment)] {
            for name in names {
                let full = prefix + ContainerReference.labelName(name)
                guard seen.insert(full).inserted else { continue }
                all.append((full, values.first { $0.name == name }?.value ?? ""))
            }
        }
        return all
    }

    static func labelName(_ name: String) -> String {
        String(
            decoding: name.utf8.map { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
    }

    /// Whether samples of both have the same labels.
    func hasLabels(of other: ContainerReference) -> Bool {
        cgroupPath == other.cgroupPath && name == other.name && image == other.image && container == other.container && pod == other.pod
            && namespace == other.namespace && containerLabels.elementsEqual(other.containerLabels) { $0 == $1 }
            && environment.elementsEqual(other.environment) { $0 == $1 }
    }
}
