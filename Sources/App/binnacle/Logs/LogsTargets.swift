import Glibc

/// The words of a command line sorted into whose lines are meant and what must stand in them.
struct LogsTargets {
    /// Regular expressions on pods' names, of which one must match.
    private(set) var pods: [String] = []
    private(set) var namespaces: Set<String> = []
    private(set) var containers: Set<String> = []
    /// Paths, or `-`.
    private(set) var files: [String] = []
    private(set) var words: [String] = []

    /// What a controller appends to its own name for its pods.
    private static let suffixes: [String: String] = [
        "deploy": "-[a-z0-9]+-[a-z0-9]+", "deployment": "-[a-z0-9]+-[a-z0-9]+", "deployments": "-[a-z0-9]+-[a-z0-9]+", "rs": "-[a-z0-9]+",
        "replicaset": "-[a-z0-9]+", "sts": "-[0-9]+", "statefulset": "-[0-9]+", "ds": "-[a-z0-9]+", "daemonset": "-[a-z0-9]+", "job": "-[a-z0-9]+",
        "jobs": "-[a-z0-9]+", "cronjob": "-[0-9]+-[a-z0-9]+", "cj": "-[0-9]+-[a-z0-9]+", "pod": "", "pods": "", "po": "",
    ]

    init(_ arguments: [String]) throws {
        for argument in arguments { try add(argument) }
        if !files.isEmpty, !pods.isEmpty || !namespaces.isEmpty {
            throw CommandFailure(message: "files and pods cannot be searched in one run", hint: "leave out \(files[0]) or the pods", exitCode: 2)
        }
    }

    private mutating func add(_ argument: String) throws {
        if argument == "-" { return files.append(argument) }
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, let suffix = Self.suffixes[parts[0]], Self.isName(parts[1]) { return pods.append(Self.quoted(parts[1]) + suffix) }
        if argument.contains("/"), unsafe access(argument, F_OK) == 0 { return files.append(argument) }
        if argument.hasPrefix("/") || argument.hasPrefix("./"), !argument.contains(" "), parts.count > 2 {
            throw CommandFailure(message: "there is no file \(argument)", hint: "behind -F it would be a text to look for", exitCode: 2)
        }
        if parts.count == 3, parts.allSatisfy({ Self.isName($0) }) {
            namespaces.insert(parts[0])
            pods.append(Self.quoted(parts[1]))
            containers.insert(parts[2])
            return
        }
        words.append(argument)
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == 0x2D || $0 == 0x2E
            }
    }

    private static func quoted(_ text: String) -> String { text.replacing(".", with: "\\.") }

    /// The parts of `status>=500`, or of `status:>=500` as others write it: a field's name, and what it is compared with, which begins
    /// with a number. `a=b` is a text like others.
    private static func comparison(_ word: String) -> (name: Substring, rest: Substring)? {
        let name = word.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
        var rest = word[name.endIndex...]
        if rest.hasPrefix(":") { rest = rest.dropFirst() }
        guard let first = name.first, first.isLetter || first == "_", let sign = [">=", "<=", ">", "<"].first(where: { rest.hasPrefix($0) }),
            let digit = rest.dropFirst(sign.count).first(where: { $0 != "-" }), digit.isNumber, !word.contains(" ")
        else { return nil }
        return (name, rest)
    }

    /// Whether a word says more than that it must stand in the line: a field, a negation, an alternative.
    var needsLanguage: Bool {
        words.contains { word in
            if Self.comparison(word) != nil { return true }
            if word == "or" || word == "OR" || word == "and" || word == "not" || (word.hasPrefix("-") && word.count > 1) { return true }
            guard let colon = word.firstIndex(of: ":"), colon != word.startIndex, word.index(after: colon) != word.endIndex else { return false }
            return word[..<colon].allSatisfy { $0.isLetter || $0 == "_" || $0 == "." } && !word[colon...].hasPrefix("://") && !word.contains(" ")
        }
    }

    /// The words as one text of the plain language.
    var text: String {
        words.map { word in
            if let (name, rest) = Self.comparison(word) { return "\(name)\(rest)" }
            guard word.contains(where: { $0.isWhitespace }) else { return word }
            if let colon = word.firstIndex(of: ":"), word[..<colon].allSatisfy({ $0.isLetter || $0 == "_" }) { return word }
            return "\"\(word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        }.joined(separator: " ")
    }
}
