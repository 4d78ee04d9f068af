import Glibc
import Runtime

/// Counts what a process holds open, by `/proc/PID/fd`.
enum DescriptorCount {
    /// Open files of the process whose `/proc/PID/fd` is open as `folder`; nil if it has gone. Since Linux 6.2 the
    /// directory's size is that number; before it is 0 and the entries are counted.
    static func files(_ folder: HostFile) -> UInt64? {
        guard let status = try? folder.status() else { return nil }
        if status.size > 0 { return UInt64(status.size) }
        return list(folder, looking: false, limit: .max)?.files
    }

    /// Entries and those that are sockets, by reading each link: the one of a socket is `socket:[inode]`. Never follows
    /// one, which could be on a mount that hangs. Stops after `limit` entries.
    static func list(_ folder: HostFile, looking: Bool, limit: Int) -> (files: UInt64, sockets: UInt64)? {
        // closedir closes what it was given; the copy shares the position.
        let copy = fcntl(folder.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        lseek(copy, 0, SEEK_SET)
        guard let stream = unsafe fdopendir(copy) else {
            close(copy)
            return nil
        }
        defer { unsafe closedir(stream) }
        var (files, sockets): (UInt64, UInt64) = (0, 0)
        while files < UInt64(limit), let entry = unsafe readdir(stream) {
            // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
            let isEntry = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    guard unsafe name[0] != 0x2E else { return false }
                    if looking, unsafe isSocket(copy, name) { sockets += 1 }
                    return true
                }
            }
            if isEntry { files += 1 }
        }
        return (files, sockets)
    }

    private static func isSocket(_ folder: Int32, _ name: UnsafePointer<CChar>) -> Bool {
        // "socket:" is enough; readlinkat cuts the rest.
        let target = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 8) { buffer -> Bool in
            let got = unsafe readlinkat(folder, name, buffer.baseAddress!, 7)
            guard got == 7 else { return false }
            for (position, letter) in "socket:".utf8.enumerated() where unsafe UInt8(bitPattern: buffer[position]) != letter { return false }
            return true
        }
        return target
    }

    /// The line `Max open files  SOFT  HARD  files` of `/proc/PID/limits`; `unlimited` is -1. Nil if it is not there.
    static func limits(_ bytes: [UInt8], count: Int) -> (soft: Int64, hard: Int64)? {
        var offset = 0
        while offset < count {
            if ByteText.starts(bytes, count, offset, "Max open files ") {
                offset += 15
                guard let soft = limit(bytes, count, &offset), let hard = limit(bytes, count, &offset) else { return nil }
                return (soft, hard)
            }
            ByteText.skipLine(bytes, count, &offset)
        }
        return nil
    }

    private static func limit(_ bytes: [UInt8], _ count: Int, _ offset: inout Int) -> Int64? {
        guard let field = ByteText.field(bytes, count, &offset) else { return nil }
        if ByteText.equals(bytes, field, "unlimited") { return -1 }
        var position = field.lowerBound
        return ByteText.signed(bytes, field.upperBound, &position)
    }
}
