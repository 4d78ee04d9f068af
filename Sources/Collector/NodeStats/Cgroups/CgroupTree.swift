import Glibc
import Runtime

/// Knows which cgroups the machine has: walks the hierarchies, is told of changes by inotify in one of them, and walks
/// again each minute, since the others have no watch and a watch may miss.
///
/// Not Sendable: the collector owns it.
final class CgroupTree {
    /// Cgroups that are looked at; more are counted and left out.
    let limit: Int
    private let mountPoints: [String]
    /// The hierarchy with the watch: each runtime makes its cgroups in that of memory.
    private let watched: String?
    private let skips: SkipCounts
    private var inotify: Int32 = -1
    private var watchPaths: [Int32: String] = [:]
    private var watches: [String: Int32] = [:]
    private(set) var paths: Set<String> = []
    private var walkedAt: Int64?
    private var buffer = [UInt8](repeating: 0, count: 32 << 10)
    /// Walks of the whole tree since the start.
    private(set) var walks: UInt64 = 0
    /// Cgroups beyond the limit at the last walk.
    private(set) var beyondLimit: UInt64 = 0

    static let walkInterval: Int64 = 60_000_000_000

    init(layout: CgroupLayout, limit: Int, watches: Bool, skips: SkipCounts) {
        self.limit = limit
        self.skips = skips
        mountPoints = layout.mountPoints
        watched = watches ? layout.mounts.v1["memory"] ?? layout.mounts.v2 ?? layout.mountPoints.first : nil
    }

    deinit {
        if inotify >= 0 { close(inotify) }
    }

    /// Brings `paths` up to date. `monotonic` is in nanoseconds.
    func update(monotonic: Int64) {
        let isDue = walkedAt.map { monotonic - $0 >= CgroupTree.walkInterval } ?? true
        if isDue || !readEvents() {
            walk()
            walkedAt = monotonic
        }
    }

    /// A cgroup that could not be read any more.
    func forget(_ path: String) { remove(path) }

    // MARK: - Walking

    private func walk() {
        walks += 1
        var found: Set<String> = ["/"]
        beyondLimit = 0
        for mount in mountPoints { descend(mount, "/", &found) }
        if beyondLimit > 0 { skips.count(.tooMany, by: beyondLimit) }
        for path in paths where !found.contains(path) { remove(path) }
        paths = found
        guard let watched else { return }
        if inotify < 0 { inotify = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)) }
        for path in found { watch(path, watched) }
    }

    private func descend(_ mount: String, _ path: String, _ found: inout Set<String>) {
        var queue = [path]
        while let next = queue.popLast() {
            let directory = next == "/" ? mount : mount + next
            for name in CgroupTree.directories(in: directory) {
                let child = next == "/" ? "/\(name)" : "\(next)/\(name)"
                if !found.contains(child) {
                    guard found.count < limit else {
                        beyondLimit += 1
                        continue
                    }
                    found.insert(child)
                }
                queue.append(child)
            }
        }
    }

    /// The names of a directory's directories. A leaf is known by its count of links, at a tenth of the price of a listing.
    private static func directories(in path: String) -> [String] {
        var info = stat()
        guard unsafe stat(path, &info) == 0, info.st_nlink != 2, let stream = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    // MARK: - Watching

    private func watch(_ path: String, _ mount: String) {
        guard inotify >= 0, watches[path] == nil else { return }
        let mask = UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_ONLYDIR)
        let descriptor = unsafe inotify_add_watch(inotify, path == "/" ? mount : mount + path, mask)
        // The cgroup may be in other hierarchies only, or have gone, or the user's watches are used up: the walk sees it.
        guard descriptor >= 0 else { return }
        watches[path] = descriptor
        watchPaths[descriptor] = path
    }

    private func remove(_ path: String) {
        paths.remove(path)
        guard let descriptor = watches.removeValue(forKey: path) else { return }
        watchPaths[descriptor] = nil
        // Gone already if its directory has.
        _ = inotify_rm_watch(inotify, descriptor)
    }

    /// Takes what inotify has to tell; false if events were lost.
    private func readEvents() -> Bool {
        guard inotify >= 0, let watched else { return true }
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(inotify, $0.baseAddress, $0.count) }
            guard count > 0 else { return true }
            // struct inotify_event: int wd, uint32 mask, cookie, len; then len bytes of name, ended by NULs.
            var offset = 0
            while offset + 16 <= count {
                let descriptor = Int32(bitPattern: word(offset))
                let mask = word(offset + 4)
                let length = Int(word(offset + 12))
                guard length <= count - offset - 16 else { return false }
                if mask & UInt32(IN_Q_OVERFLOW) != 0 { return false }
                if mask & UInt32(IN_ISDIR) != 0, let parent = watchPaths[descriptor] {
                    let name = String(decoding: buffer[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }, as: UTF8.self)
                    let path = parent == "/" ? "/\(name)" : "\(parent)/\(name)"
                    if mask & UInt32(IN_CREATE) != 0 { appear(path, watched) } else if mask & UInt32(IN_DELETE) != 0 { remove(path) }
                }
                offset += 16 + length
            }
        }
    }

    private func word(_ offset: Int) -> UInt32 {
        UInt32(buffer[offset]) | UInt32(buffer[offset + 1]) << 8 | UInt32(buffer[offset + 2]) << 16 | UInt32(buffer[offset + 3]) << 24
    }

    /// A new cgroup, and what was made in it before the watch was.
    private func appear(_ path: String, _ mount: String) {
        guard paths.count < limit || paths.contains(path) else {
            beyondLimit += 1
            skips.count(.tooMany)
            return
        }
        paths.insert(path)
        watch(path, mount)
        var found = paths
        descend(mount, path, &found)
        for child in found.subtracting(paths) {
            paths.insert(child)
            watch(child, mount)
        }
    }
}
