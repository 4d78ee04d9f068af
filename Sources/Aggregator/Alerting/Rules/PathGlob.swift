import Pattern
import Runtime

/// Names of files with `*`, `?` and `[...]`, as `rule_files` of Prometheus has them; a star does not cross a slash.
public enum PathGlob {
    /// The files that the text names, sorted; a text without wildcards names itself, whether or not it is there.
    public static func files(_ text: String, in fileSystem: some FileSystem) -> [String] {
        guard text.contains(where: { "*?[".contains($0) }) else { return [text] }
        let isAbsolute = text.hasPrefix("/")
        var found = [isAbsolute ? "/" : ""]
        for part in text.split(separator: "/").map(String.init) {
            found = found.flatMap { base -> [String] in
                let prefix = base.isEmpty || base.hasSuffix("/") ? base : base + "/"
                guard part.contains(where: { "*?[".contains($0) }) else {
                    return fileSystem.exists(prefix + part) ? [prefix + part] : []
                }
                let names = (try? fileSystem.list(base.isEmpty ? "." : base)) ?? []
                return names.filter { matches($0, part) }.sorted().map { prefix + $0 }
            }
        }
        return found
    }

    /// Whether a name without slashes matches. A leading dot must be written out, as in a shell.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        var expression = ""
        var isInClass = false
        for character in pattern {
            switch character {
            case "*" where !isInClass: expression += ".*"
            case "?" where !isInClass: expression += "."
            case "[" where !isInClass:
                isInClass = true
                expression += "["
            case "]" where isInClass:
                isInClass = false
                expression += "]"
            case "-" where isInClass: expression += "-"
            case "^" where isInClass, "!" where isInClass: expression += "^"
            default: expression += character.isASCII && !character.isLetter && !character.isNumber ? "\\\(character)" : String(character)
            }
        }
        return (try? Pattern(expression, anchored: true))?.matches(name) ?? false
    }
}
