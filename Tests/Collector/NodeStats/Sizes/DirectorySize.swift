import Glibc

/// The naive twin of DiskUsage: one whole walk.
enum DirectorySize {
    /// Entries that one walk looks at; a larger tree is counted as far as that.
    static let entryLimit = 20_000

    /// Bytes allocated (as du(1) counts, hard links once a name) and entries; nil if it cannot be read.
    static func measure(_ path: String) -> (bytes: UInt64, files: UInt64)? {
        var (bytes, files): (UInt64, UInt64) = (0, 0)
        var queue = [path]
        var isRoot = true
        while let directory = queue.popLast() {
            guard let stream = unsafe opendir(directory) else {
                if isRoot { return nil }
                continue
            }
            isRoot = false
            defer { unsafe closedir(stream) }
            while files < UInt64(entryLimit), let entry = unsafe readdir(stream) {
                // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                var info = stat()
                guard unsafe lstat("\(directory)/\(name)", &info) == 0 else { continue }
                files += 1
                bytes += UInt64(info.st_blocks) * 512
                if info.st_mode & S_IFMT == S_IFDIR { queue.append("\(directory)/\(name)") }
            }
        }
        return (bytes, files)
    }
}
