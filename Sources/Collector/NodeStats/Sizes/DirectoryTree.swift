/// What a directory tree takes up, kept up to date without listing all of it each time.
///
/// A pass goes over the directories, one `step` each. A directory whose time of change is as it was has the same names
/// as before; it is listed again only if it may hold files that grow: if it is small, if one of its files was written not
/// long ago, or if the last listing is old. So the size of a file that nobody had written for `restAge` may be behind by
/// `listingAge` at most, and a file that got a second name elsewhere counts twice as long; all else is as of the pass.
///
/// Plain values: who reads the file system is outside. Hard links count once, other file systems not at all.
struct DirectoryTree: Sendable {
    struct Policy: Hashable, Sendable {
        /// Nanoseconds after which every directory is listed again.
        var listingAge: Int64 = 600 * 1_000_000_000
        /// Nanoseconds without a write after which a file is held to be at rest.
        var restAge: Int64 = 900 * 1_000_000_000
        /// Directories with no more entries than this are always listed: a pod's logs.
        var smallDirectory = 32
        /// Directories that are remembered; those beyond it are listed each time.
        var directoryLimit = 20_000
        /// Hard links that are remembered to count each file once.
        var linkLimit = 20_000
        init() {}
    }

    /// What a listing of one directory found, without what lies below its subdirectories.
    struct Listing: Hashable, Sendable {
        /// Allocated bytes of the directory itself and of its entries that are no directories, those with more names left out.
        var bytes: UInt64 = 0
        /// Entries that are neither directories nor files with more names.
        var files: UInt64 = 0
        /// Files with more than one name: inode and bytes.
        var links: [Link] = []
        var directories: [[UInt8]] = []
        /// Nanoseconds since 1970 of the newest write to one of the files.
        var newestWrite: Int64 = 0
        init() {}
    }

    struct Link: Hashable, Sendable {
        var inode: UInt64
        var bytes: UInt64
    }

    struct Size: Hashable, Sendable {
        var bytes: UInt64
        /// Files and directories, hard links once.
        var files: UInt64
        /// Some directories could not be read, or more hard links than are remembered counted once a name.
        var isExact: Bool
    }

    private struct Node: Sendable {
        var parent: Int32
        var name: [UInt8]
        /// Of the directory, nanoseconds since 1970; 0 before the first listing.
        var changed: Int64 = 0
        /// When it was listed, nanoseconds of a clock that does not jump.
        var listed: Int64 = 0
        var listing = Listing()
        var children: [Int32] = []
        var isKnown = false
        var isUnreadable = false
    }

    let policy: Policy
    private var nodes: [Node]
    private var free: [Int32] = []
    /// Directories that the pass has still to visit.
    private var queue: [Int32] = []
    /// The newest complete pass; nil before the first.
    private(set) var size: Size?

    init(policy: Policy = Policy()) {
        self.policy = policy
        nodes = [Node(parent: -1, name: [])]
    }

    /// Directories that are remembered.
    var directoryCount: Int { nodes.count - free.count }
    var isInPass: Bool { !queue.isEmpty }

    mutating func beginPass() { queue = [0] }

    /// What the next step has to do: the directory's path below the root (empty for the root itself).
    struct Step: Hashable, Sendable {
        fileprivate var node: Int32
        var path: [UInt8]
    }

    /// Nil at the end of the pass.
    func nextStep() -> Step? {
        guard let node = queue.last else { return nil }
        var names: [[UInt8]] = []
        var position = node
        while position > 0 {
            names.append(nodes[Int(position)].name)
            position = nodes[Int(position)].parent
        }
        return Step(node: node, path: Array(names.reversed().joined(separator: [0x2F])))
    }

    /// Whether the directory, which changed last at `changed`, has to be listed. `now` is of the clock that does not jump,
    /// `date` the time of day.
    func needsListing(_ step: Step, changed: Int64, now: Int64, date: Int64) -> Bool {
        let node = nodes[Int(step.node)]
        guard node.isKnown, node.changed == changed, now - node.listed < policy.listingAge else { return true }
        let entries = Int(clamping: node.listing.files) + node.listing.links.count + node.children.count
        // A write in the future, by a clock that went back since, is recent as well.
        return entries <= policy.smallDirectory || date - node.listing.newestWrite < policy.restAge
    }

    /// The directory is as it was.
    mutating func keep(_ step: Step) {
        queue.removeLast()
        queue.append(contentsOf: nodes[Int(step.node)].children)
        finishIfDone()
    }

    mutating func take(_ step: Step, _ listing: Listing, changed: Int64, now: Int64) {
        queue.removeLast()
        let index = Int(step.node)
        var known: [[UInt8]: Int32] = [:]
        for child in nodes[index].children { known[nodes[Int(child)].name] = child }
        var children: [Int32] = []
        for name in listing.directories {
            if let child = known.removeValue(forKey: name) { children.append(child) } else { children.append(make(name, parent: step.node)) }
        }
        for child in known.values { remove(child) }
        nodes[index].children = children
        nodes[index].changed = changed
        nodes[index].listed = now
        nodes[index].listing = listing
        nodes[index].listing.directories = []
        nodes[index].isKnown = true
        nodes[index].isUnreadable = false
        queue.append(contentsOf: children)
        finishIfDone()
    }

    /// The directory has gone, is a mount point, or may not be read.
    mutating func lose(_ step: Step, isUnreadable: Bool) {
        queue.removeLast()
        let index = Int(step.node)
        for child in nodes[index].children { remove(child) }
        nodes[index].children = []
        nodes[index].listing = Listing()
        nodes[index].isKnown = false
        nodes[index].isUnreadable = isUnreadable
        finishIfDone()
    }

    private mutating func make(_ name: [UInt8], parent: Int32) -> Int32 {
        if let index = free.popLast() {
            nodes[Int(index)] = Node(parent: parent, name: name)
            return index
        }
        nodes.append(Node(parent: parent, name: name))
        return Int32(nodes.count - 1)
    }

    private mutating func remove(_ index: Int32) {
        var doomed = [index]
        while let next = doomed.popLast() {
            doomed.append(contentsOf: nodes[Int(next)].children)
            nodes[Int(next)] = Node(parent: -1, name: [])
            free.append(next)
        }
    }

    private mutating func finishIfDone() {
        guard queue.isEmpty else { return }
        var bytes: UInt64 = 0
        var files: UInt64 = 0
        var isExact = true
        var seen: Set<UInt64> = []
        var stack: [Int32] = [0]
        while let index = stack.popLast() {
            let node = nodes[Int(index)]
            if node.isUnreadable { isExact = false }
            guard node.isKnown else { continue }
            bytes &+= node.listing.bytes
            files &+= node.listing.files + 1
            for link in node.listing.links where seen.count >= policy.linkLimit || seen.insert(link.inode).inserted {
                if seen.count >= policy.linkLimit { isExact = false }
                bytes &+= link.bytes
                files += 1
            }
            stack.append(contentsOf: node.children)
        }
        size = Size(bytes: bytes, files: files, isExact: isExact)
    }
}
