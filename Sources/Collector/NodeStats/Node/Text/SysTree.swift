import Glibc

/// Small files of /sys that are read seldom: opened, read and closed, as strings.
struct SysTree {
    /// Put before every path, for recorded trees and for a host's files mounted elsewhere.
    let root: String

    /// The names in a directory in order, without those that begin with a dot; empty if there is none.
    func list(_ path: String) -> [String] {
        guard let directory = unsafe opendir(root + path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted(by: SysTree.inOrder)
    }

    /// `cpu2` before `cpu10`: by length where the text before the digits is the same.
    static func inOrder(_ a: String, _ b: String) -> Bool {
        let (x, y) = (stem(a), stem(b))
        if !x.elementsEqual(y) || x.count == a.utf8.count { return a < b }
        return (a.utf8.count, a) < (b.utf8.count, b)
    }

    private static func stem(_ name: String) -> Substring.UTF8View {
        Substring(name).utf8.prefix { !(0x30...0x39).contains($0) }
    }

    /// A file's text without white space around it; nil if it cannot be read. At most 64 KiB.
    func text(_ path: String) -> String? {
        let descriptor = unsafe open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text = KernelText(capacity: 4096)
        guard text.fill(from: descriptor) == 0 else { return nil }
        var range = 0..<text.count
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0 }
        while let first = range.first, isSpace(text.bytes[first]) { range = (first + 1)..<range.upperBound }
        while let last = range.last, isSpace(text.bytes[last]) { range = range.lowerBound..<last }
        return text.string(range)
    }

    /// The number that a file holds alone.
    func number(_ path: String) -> Int64? { text(path).flatMap { Int64($0) } }

    /// A number written as `0x1f`, or in base 10.
    func anyBase(_ path: String) -> UInt64? {
        guard let text = text(path) else { return nil }
        return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    func exists(_ path: String) -> Bool { unsafe access(root + path, F_OK) == 0 }

    /// The last component of what a symbolic link points at.
    func linkName(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let length = unsafe buffer.withUnsafeMutableBytes { unsafe readlink(root + path, $0.baseAddress!, $0.count) }
        guard length > 0 else { return nil }
        return String(decoding: buffer[..<length], as: UTF8.self).split(separator: "/").last.map(String.init)
    }
}

extension SysTree {
    /// Where a path leads when all its symbolic links are followed, below the root; nil if it does not lead anywhere.
    func realPath(_ path: String) -> String? {
        guard let resolved = unsafe realpath(root + path, nil) else { return nil }
        // realpath(3) gives memory that the caller frees.
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
