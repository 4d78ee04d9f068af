import Glibc
import Runtime

/// A directory whose files change all at once.
///
/// The files lie in `..VERSION`; `..data` is a symbolic link to it, and each visible name a link through `..data`.
/// Renaming a new link over `..data` switches every file in one step, also for a container that has the directory mounted.
struct AtomicDirectory {
    let path: String

    /// Writes `files` unless they are there already; returns whether anything changed.
    @discardableResult
    func write(_ files: [String: VolumeFiles.File], owner group: Int?) throws(FileError) -> Bool {
        let system = HostFileSystem()
        try system.makeDirectory(path, mode: 0o755)
        let old = link("..data")
        if let old, holds(files, in: old) { return false }

        var number = 0
        var version = ""
        repeat {
            number += 1
            version = "..v\(number)"
        } while unsafe access("\(path)/\(version)", F_OK) == 0
        try makeDirectory("\(path)/\(version)", 0o755)
        for (name, file) in files { try write(file, to: "\(path)/\(version)", name, group) }

        let temporary = "\(path)/..data_tmp"
        _ = unsafe unlink(temporary)
        guard unsafe symlink(version, temporary) == 0 else { throw FileError("link", temporary) }
        try system.rename(temporary, to: "\(path)/..data")
        try arrangeNames(Set(files.keys.map { String($0.split(separator: "/")[0]) }))
        if let old { TreeRemover.remove("\(path)/\(old)") }
        return true
    }

    private func write(_ file: VolumeFiles.File, to directory: String, _ name: String, _ group: Int?) throws(FileError) {
        let target = "\(directory)/\(name)"
        if let slash = target.lastIndex(of: "/") { try HostFileSystem().makeDirectory(String(target[..<slash]), mode: 0o755) }
        let descriptor = unsafe open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("make", target) }
        defer { close(descriptor) }
        var done = 0
        while done < file.bytes.count {
            // Invariant: done stays below the count, so base + done lies in the buffer.
            let wrote = unsafe file.bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            guard wrote >= 0 else { throw FileError("write", target) }
            done += wrote
        }
        if let group { _ = fchown(descriptor, uid_t.max, gid_t(group)) }
        // Set apart from open(2), whose mode the umask cuts.
        guard fchmod(descriptor, mode_t(file.mode | (group == nil ? 0 : 0o440))) == 0 else { throw FileError("set the mode of", target) }
    }

    private func makeDirectory(_ path: String, _ mode: mode_t) throws(FileError) {
        guard unsafe mkdir(path, mode) == 0 else { throw FileError("make the directory", path) }
        _ = unsafe chmod(path, mode)
    }

    /// Makes the links of new names and takes those of old ones away.
    private func arrangeNames(_ names: Set<String>) throws(FileError) {
        let system = HostFileSystem()
        for name in names where link(name) == nil {
            guard unsafe symlink("..data/\(name)", "\(path)/\(name)") == 0 else { throw FileError("link", "\(path)/\(name)") }
        }
        for name in try system.list(path) where !name.hasPrefix("..") && !names.contains(name) { _ = unsafe unlink("\(path)/\(name)") }
    }

    private func link(_ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 512)
        let count = unsafe readlink("\(path)/\(name)", &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func holds(_ files: [String: VolumeFiles.File], in version: String) -> Bool {
        let system = HostFileSystem()
        for (name, file) in files {
            guard let bytes = try? system.read("\(path)/\(version)/\(name)"), bytes == file.bytes else { return false }
        }
        return count("\(path)/\(version)") == files.count
    }

    private func count(_ directory: String) -> Int {
        let system = HostFileSystem()
        return ((try? system.list(directory)) ?? []).reduce(0) { sum, name in
            let isDirectory = (try? system.status("\(directory)/\(name)"))?.isDirectory ?? false
            return sum + (isDirectory ? count("\(directory)/\(name)") : 1)
        }
    }
}
