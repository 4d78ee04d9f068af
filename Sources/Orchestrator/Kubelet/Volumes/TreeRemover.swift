import Glibc

/// Removes a tree that a container could write to: never through a symbolic link, never across a mount.
enum TreeRemover {
    /// Nothing there is no error. Returns false if something is left.
    @discardableResult
    static func remove(_ path: String) -> Bool {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return false }
        let parent = String(path[..<slash])
        let descriptor = unsafe open(parent.isEmpty ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT }
        defer { close(descriptor) }
        return remove(String(path[path.utf8.index(after: slash)...]), in: descriptor, device: nil)
    }

    private static func remove(_ name: String, in parent: Int32, device: dev_t?) -> Bool {
        var info = stat()
        guard unsafe fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { return errno == ENOENT }
        guard info.st_mode & S_IFMT == S_IFDIR else { return unsafe unlinkat(parent, name, 0) == 0 }
        if let device, device != info.st_dev { return false }
        let directory = unsafe openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { return false }
        var isEmpty = true
        for child in names(directory) where !remove(child, in: directory, device: info.st_dev) { isEmpty = false }
        close(directory)
        return unsafe isEmpty && unlinkat(parent, name, AT_REMOVEDIR) == 0
    }

    private static func names(_ descriptor: Int32) -> [String] {
        // fdopendir takes the descriptor over, so it gets one of its own.
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let directory = unsafe fdopendir(copy) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
