import Glibc
import Runtime
import TestKit

/// A recorded /proc and /sys of Fixtures/Node, laid out in a directory of its own.
///
/// `--- PATH` begins a file, `--- PATH -> TARGET` is a symbolic link (scripts/record-node).
struct RecordedTree {
    let directory = TemporaryDirectory("node")
    /// Files by path, without links.
    private(set) var files: [String] = []
    var root: String { directory.path }

    init(_ name: String) throws {
        let here = "\(#filePath)"
        let folder = here[..<here.lastIndex(of: "/")!]
        let archive = try HostFileSystem().text("\(folder)/../Fixtures/Node/\(name).tree")
        var path: String?
        var text = ""
        func flush() throws {
            if let path { try write(path, text) }
        }
        for line in archive.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("--- ") else {
                text += line + "\n"
                continue
            }
            try flush()
            (path, text) = (nil, "")
            let parts = line.dropFirst(4).split(separator: " ")
            if let arrow = parts.firstIndex(of: "->") {
                let name = parts[..<arrow].joined(separator: " ")
                try makeParent(name)
                _ = unsafe symlink(String(parts[arrow + 1]), root + name)
            } else {
                path = String(line.dropFirst(4))
                files.append(path!)
            }
        }
        // The archive's own last newline is no line.
        text = String(text.dropLast())
        try flush()
    }

    func write(_ path: String, _ text: String) throws {
        try makeParent(path)
        try HostFileSystem().write(root + path, Array(text.utf8))
    }

    func text(_ path: String) throws -> String { try HostFileSystem().text(root + path) }
    func remove(_ path: String) throws { try HostFileSystem().removeTree(root + path) }

    private func makeParent(_ path: String) throws {
        let full = root + path
        try HostFileSystem().makeDirectory(String(full[..<full.lastIndex(of: "/")!]), mode: 0o755)
    }
}
