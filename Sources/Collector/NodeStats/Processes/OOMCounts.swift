/// How many processes of each container were killed for want of memory: over its restarts, and with those kills that
/// ended the cgroup before its count could be read.
///
/// The cgroup's own count (`oom_kill` of memory.events or memory.oom_control) is the authority. The kernel's log adds what
/// it could not tell: a container whose only process is killed takes its cgroup with it, often within a second.
struct OOMCounts {
    private struct Group {
        var owner: String
        var used: Int
        /// What the cgroup said last, and at first, when the log had told of `loggedAtFirst`.
        var counted: UInt64?
        var countedAtFirst: UInt64 = 0
        var logged: UInt64 = 0
        var loggedAtFirst: UInt64 = 0

        /// Kills that the count had before the log was listened to.
        var unheard: UInt64 { countedAtFirst - min(countedAtFirst, loggedAtFirst) }
        /// The log may lag behind the count, and the count die before it is read: whichever is larger.
        var total: UInt64 { max(counted ?? 0, unheard &+ logged) }
    }

    private var groups: [String: Group] = [:]
    /// By owner, only those that had kills; `used` is the round in which a cgroup of theirs was last asked for.
    private var owners: [String: (kills: UInt64, used: Int)] = [:]
    private var round = 0

    /// Rounds for which a cgroup that has gone still takes what the log says of it.
    static let graceRounds = 60
    /// Rounds for which the sum of an owner without cgroups is kept: between two tries of a container that crashes, the
    /// kubelet waits five minutes at most.
    static let memoryRounds = 3600
    /// Owners with kills that are remembered; the longest unused is forgotten beyond that.
    static let ownerLimit = 4_096

    var groupCount: Int { groups.count }
    var ownerCount: Int { owners.count }

    mutating func beginRound() { round += 1 }

    /// Takes the cgroup's own count (nil if it has none) and returns the kills of its owner up to now.
    mutating func record(path: String, owner: String, counted: UInt64?) -> UInt64 {
        var group = groups[path] ?? Group(owner: owner, used: round)
        if group.owner != owner {
            // The owner became known only now: what the cgroup had goes along.
            move(group.total, from: group.owner, to: owner)
            group.owner = owner
        }
        let before = group.total
        if let counted {
            if let old = group.counted, counted < old {
                // The path was given to a new cgroup; the old one's kills stay in the sum.
                group = Group(owner: owner, used: round)
                group.counted = counted
                group.countedAtFirst = counted
                add(counted, to: owner)
            } else {
                if group.counted == nil {
                    group.countedAtFirst = counted
                    group.loggedAtFirst = group.logged
                }
                group.counted = counted
                add(group.total - before, to: owner)
            }
        }
        group.used = round
        groups[path] = group
        return total(of: owner)
    }

    /// Takes a kill that the log told of; false if nobody knows the cgroup.
    mutating func log(path: String) -> Bool {
        guard var group = groups[path] else { return false }
        let before = group.total
        group.logged += 1
        groups[path] = group
        add(group.total - before, to: group.owner)
        return true
    }

    func total(of owner: String) -> UInt64 { owners[owner]?.kills ?? 0 }

    /// The sum of the owners whose names begin so. O(owners with kills), of which there are few.
    func total(ofOwnersBelow prefix: String) -> UInt64 { owners.reduce(0) { $1.key.hasPrefix(prefix) ? $0 &+ $1.value.kills : $0 } }

    /// Kills that the cgroup's count tells of and the log does not.
    func untold(path: String) -> UInt64 {
        guard let group = groups[path], let counted = group.counted else { return 0 }
        return counted - min(counted, group.unheard &+ group.logged)
    }

    mutating func endRound() {
        // Nothing here is urgent.
        guard round % 10 == 0 else { return }
        for (path, group) in groups {
            if let owner = owners[group.owner], owner.used < group.used { owners[group.owner]?.used = group.used }
            if round - group.used > Self.graceRounds { groups[path] = nil }
        }
        owners = owners.filter { round - $0.value.used <= Self.memoryRounds }
        while owners.count > Self.ownerLimit, let oldest = owners.min(by: { ($0.value.used, $0.key) < ($1.value.used, $1.key) }) {
            owners[oldest.key] = nil
        }
    }

    private mutating func add(_ kills: UInt64, to owner: String) {
        guard kills > 0 else { return }
        owners[owner] = ((owners[owner]?.kills ?? 0) &+ kills, round)
    }

    private mutating func move(_ kills: UInt64, from old: String, to new: String) {
        guard kills > 0 else { return }
        let left = (owners[old]?.kills ?? 0) - min(kills, owners[old]?.kills ?? 0)
        if left == 0 { owners[old] = nil } else { owners[old]?.kills = left }
        add(kills, to: new)
    }
}
