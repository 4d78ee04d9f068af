import Glibc

/// The repository's own files, read by the tidy tests.
enum SourceTree {
    /// The package's folder: two above this file.
    static let root = String(#filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/"))

    static func entries(_ path: String) -> [String] {
        guard let directory = unsafe opendir("\(root)/\(path)") else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func swiftFiles(under path: String) -> [String] {
        entries(path).flatMap { name -> [String] in
            let full = "\(path)/\(name)"
            return name.hasSuffix(".swift") ? [full] : swiftFiles(under: full)
        }
    }

    static func text(_ path: String) -> String {
        guard let file = unsafe fopen("\(root)/\(path)", "r") else { return "" }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe fread($0.baseAddress!, 1, $0.count, file) }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func imports(in text: String) -> Set<String> {
        var modules: Set<String> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), words[..<position].allSatisfy({ $0.hasPrefix("@") || $0 == "public" || $0 == "package" })
            else { continue }
            // `import struct Foo.Bar` names the module before the dot.
            let name = words.count > position + 2 ? words[position + 2] : words[position + 1]
            modules.insert(String(name.split(separator: ".")[0]))
        }
        return modules
    }
}
