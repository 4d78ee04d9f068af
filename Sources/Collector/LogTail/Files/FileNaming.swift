/// How the files of one source are called, the one that is written and those that were rotated away.
enum FileNaming: Hashable, Sendable {
    /// A container's runs, as the kubelet calls them: `N.log`, `N.log.YYYYMMDD-HHMMSS`, `N.log.YYYYMMDD-HHMMSS.gz`.
    case runs
    /// One file and what rotates it: `NAME.1`, `NAME-20261124`, `NAME.20261124-084841`, each perhaps with `.gz`; with the
    /// extension before or after.
    case named(String)

    /// What all names of the source begin with.
    var prefix: String {
        switch self {
        case .runs: ""
        case .named(let base): String(base[..<(base.lastIndex(of: ".") ?? base.endIndex)])
        }
    }

    /// nil if the name is not of this source.
    func parse(_ name: String) -> LogFileName? {
        switch self {
        case .runs:
            guard let dot = name.firstIndex(of: "."), let run = Int(name[..<dot]), run >= 0, "\(run)" == name[..<dot] else { return nil }
            var rest = name[dot...]
            guard rest.hasPrefix(".log") else { return nil }
            rest = rest.dropFirst(4)
            guard !rest.isEmpty else { return LogFileName(run: run) }
            guard rest.first == "." else { return nil }
            let isCompressed = rest.hasSuffix(".gz")
            let stamp = rest.dropFirst().dropLast(isCompressed ? 3 : 0)
            guard Self.isStamp(stamp) else { return nil }
            return LogFileName(run: run, rotation: .stamp(String(stamp)), isCompressed: isCompressed)
        case .named(let base):
            guard name != base else { return LogFileName(run: 0) }
            // `app.log` may rotate to `app-20261124.log` too.
            let dot = base.lastIndex(of: ".") ?? base.endIndex
            let (stem, ending) = (base[..<dot], base[dot...])
            var rest = name[...]
            let isCompressed = rest.hasSuffix(".gz")
            if isCompressed { rest = rest.dropLast(3) }
            let middle: Substring
            if rest.hasPrefix(base) {
                middle = rest.dropFirst(base.count)
            } else if !ending.isEmpty, rest.hasPrefix(stem), rest.hasSuffix(ending), rest.count > base.count {
                middle = rest.dropFirst(stem.count).dropLast(ending.count)
            } else {
                return nil
            }
            guard let mark = middle.first, mark == "." || mark == "-" else { return nil }
            let text = middle.dropFirst()
            if text.utf8.count <= 5, let number = Int(text), number > 0 {
                return LogFileName(run: 0, rotation: .number(number), isCompressed: isCompressed)
            }
            guard Self.isStamp(text) else { return nil }
            return LogFileName(run: 0, rotation: .stamp(String(text)), isCompressed: isCompressed)
        }
    }

    /// Eight digits or more, with the marks that stamps have.
    private static func isStamp(_ text: Substring) -> Bool {
        text.utf8.count >= 8 && text.utf8.count <= 32
            && text.utf8.allSatisfy { $0 &- 48 < 10 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "T") || $0 == UInt8(ascii: "_") }
    }
}

/// What a log file's name says.
struct LogFileName: Hashable, Sendable, Comparable {
    enum Rotation: Hashable, Sendable {
        case stamp(String)
        /// 1 is the newest.
        case number(Int)
    }

    /// How often the container had been restarted.
    var run: Int
    /// nil of the file that is written.
    var rotation: Rotation?
    var isCompressed = false

    /// Oldest first: by run, rotated files by their stamp or number, then the one that is written.
    static func < (left: LogFileName, right: LogFileName) -> Bool {
        if left.run != right.run { return left.run < right.run }
        switch (left.rotation, right.rotation) {
        case (.stamp(let a)?, .stamp(let b)?): return a < b
        case (.number(let a)?, .number(let b)?): return a > b
        case (.stamp?, .number?): return true
        case (.some, nil): return true
        default: return false
        }
    }
}
