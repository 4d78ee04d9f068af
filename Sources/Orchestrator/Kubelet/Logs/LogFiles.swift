import Runtime

/// The files of one container instance: `N.log` and what rotation renamed it to (`N.log.20261124-084841`).
struct LogFiles: Sendable {
    let directory: String
    let restartCount: Int

    private var current: String { "\(restartCount).log" }

    /// Opens all that are there, oldest first. A file that rotation renames in between is opened once.
    func open(_ system: any FileSystem) -> [LogFile] {
        let names = ((try? system.list(directory)) ?? []).filter { $0.hasPrefix("\(current).") && !$0.hasSuffix(".gz") && !$0.contains(".tmp") }
        var files: [LogFile] = []
        // The newest first: if it is renamed now, its second name is recognised by its inode.
        for name in [current] + names.sorted().reversed() {
            guard let handle = try? system.open("\(directory)/\(name)"), let status = try? handle.status(), status.isRegular else { continue }
            if files.contains(where: { $0.inode == status.inode }) { continue }
            files.append(LogFile(handle: handle, inode: status.inode, modified: status.modified))
        }
        return files.reversed()
    }
}

struct LogFile: Sendable {
    var handle: any ReadableFile
    var inode: UInt64
    /// Nanoseconds since 1970.
    var modified: Int64

    private static let blockBytes = 65_536

    /// The offset at which the last `count` complete lines start, and how many complete lines there are from it.
    /// Reads backwards, block by block.
    func startOfTail(_ count: Int) throws(FileError) -> (offset: Int64, lines: Int) {
        let size = try handle.status().size
        guard count > 0 else { return (size, 0) }
        var lines = 0
        // Bytes from `begin` whose record start is not known yet.
        var carry: [UInt8] = []
        var begin = size
        // Where the record after the one being looked at starts.
        var next = size
        while begin > 0 {
            let length = Int(min(begin, Int64(Self.blockBytes)))
            begin -= Int64(length)
            carry = try handle.read(at: begin, count: length) + carry
            // Every newline but a last one ends a record; what is before the first one may begin earlier.
            var end = carry.count
            while let newline = carry[..<end].lastIndex(of: UInt8(ascii: "\n")) {
                let start = begin + Int64(newline) + 1
                if start < next {
                    if isComplete(carry[(newline + 1)...]) {
                        if lines == count { return (next, lines) }
                        lines += 1
                    }
                    next = start
                }
                end = newline
            }
            carry.removeSubrange(end...)
            if carry.count > 1 << 20 { carry.removeAll() }
        }
        if next > 0, isComplete(carry[...]) {
            if lines == count { return (next, lines) }
            lines += 1
        }
        return (0, lines)
    }

    private func isComplete(_ record: ArraySlice<UInt8>) -> Bool {
        let end = record.firstIndex(of: UInt8(ascii: "\n")) ?? record.endIndex
        return CRILine(record[..<end])?.isComplete ?? false
    }
}
