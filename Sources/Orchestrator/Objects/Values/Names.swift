/// The syntax of names, label keys and values, and the words in which Kubernetes refuses them.
///
/// No regular expressions: a 100-byte match costs 7 µs (contracts/platform.md), and a pod has dozens of names.
enum Names {
    static func tooLong(_ limit: Int) -> String { "must be no more than \(limit) bytes" }

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 }
    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte | 0x20) || isDigit(byte) }

    /// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
    private static func isLabel(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last) else { return false }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x2D }
    }

    static func isLabel(_ text: String) -> Bool { isLabel(Array(text.utf8)[...]) }
    static func isSubdomain(_ text: String) -> Bool {
        Array(text.utf8).split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    static func labelProblems(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 63 { problems.append(tooLong(63)) }
        if !isLabel(name) {
            problems.append(
                isSubdomain(name)
                    ? "must not contain dots"
                    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
                        + "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
                        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
        }
        return problems
    }

    static func subdomainProblems(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 253 { problems.append(tooLong(253)) }
        if !isSubdomain(name) {
            problems.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
                    + "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                    + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
        }
        return problems
    }

    static func serviceProblems(_ name: String) -> [String] {
        var problems: [String] = []
        if name.utf8.count > 63 { problems.append(tooLong(63)) }
        if !isLabel(name) || !(name.utf8.first.map(isLower) ?? false) {
            problems.append(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
                    + "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
                    + "'[a-z]([-a-z0-9]*[a-z0-9])?')")
        }
        return problems
    }

    static func pathSegmentProblems(_ name: String) -> [String] {
        if name == "." || name == ".." { return ["may not be '\(name)'"] }
        return ["/", "%"].filter { name.contains($0) }.map { "may not contain '\($0)'" }
    }

    /// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
    private static func isQualifiedPart(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
    }

    /// Of a label or annotation key, a finalizer, a resource: `[PREFIX/]NAME`.
    static func qualifiedNameProblems(_ key: String) -> [String] {
        let syntax =
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
            + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        var problems: [String] = []
        var name = parts[0]
        if parts.count == 2 {
            name = parts[1]
            if parts[0].isEmpty {
                problems.append("prefix part must be non-empty")
            } else {
                problems += subdomainProblems(String(parts[0])).map { "prefix part " + $0 }
            }
        } else if parts.count > 2 {
            return ["a qualified name " + syntax + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
        }
        if name.isEmpty {
            problems.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            problems.append("name part " + tooLong(63))
        }
        if !isQualifiedPart(name) { problems.append("name part " + syntax) }
        return problems
    }

    static func labelValueProblems(_ value: String) -> [String] {
        if value.isEmpty { return [] }
        var problems: [String] = []
        if value.utf8.count > 63 { problems.append(tooLong(63)) }
        if !isQualifiedPart(value[...]) {
            problems.append(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
                    + "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                    + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
        }
        return problems
    }

    /// Of a port: `IANA_SVC_NAME` (RFC 6335).
    static func portNameProblems(_ name: String) -> [String] {
        var problems: [String] = []
        let bytes = Array(name.utf8)
        if bytes.count > 15 { problems.append("must be no more than 15 characters") }
        if !bytes.allSatisfy({ isLowerAlphanumeric($0) || $0 == 0x2D }) || bytes.isEmpty {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: isLower) { problems.append("must contain at least one letter (a-z)") }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == 0x2D && $1 == 0x2D }) { problems.append("must not contain consecutive hyphens") }
        if bytes.first == 0x2D || bytes.last == 0x2D { problems.append("must not begin or end with a hyphen") }
        return problems
    }

    /// Of an environment variable: any printable ASCII but `=`.
    static func environmentNameProblems(_ name: String) -> [String] {
        guard !name.isEmpty, name.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != 0x3D }) else {
            return [
                "a valid environment variable name must consist only of printable ASCII characters other than '='"
            ]
        }
        return []
    }

    /// Of a ConfigMap's or Secret's key.
    static func configKeyProblems(_ key: String) -> [String] {
        var problems: [String] = []
        if key.utf8.count > 253 { problems.append(tooLong(253)) }
        if key.isEmpty || !key.utf8.allSatisfy({ isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }) {
            problems.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
                    + "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
        }
        if key == "." {
            problems.append("must not be '.'")
        } else if key == ".." {
            problems.append("must not be '..'")
        } else if key.hasPrefix("..") {
            problems.append("must not start with '..'")
        }
        return problems
    }

    /// Dotted IPv4 without leading zeros, or IPv6.
    static func isAddress(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    static func isIPv4(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(isDigit), part.count == 1 || part.first != 0x30 else { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }

    static func isIPv6(_ text: String) -> Bool {
        guard text.contains(":") else { return false }
        let halves = text.utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
        var groups = 0
        var gaps = 0
        for (index, part) in halves.enumerated() {
            if part.isEmpty {
                // `::` at either end leaves two empty parts, in the middle one.
                if index == 0 || index == halves.count - 1 { continue }
                gaps += 1
            } else if index == halves.count - 1, part.contains(0x2E) {
                guard isIPv4(String(Substring(part))) else { return false }
                groups += 2
            } else {
                guard part.count <= 4, part.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) }) else { return false }
                groups += 1
            }
        }
        let startsOpen = halves.first?.isEmpty == true
        let endsOpen = halves.last?.isEmpty == true
        if startsOpen, halves.count < 3 || !halves[1].isEmpty { return false }
        if endsOpen, halves.count < 3 || !halves[halves.count - 2].isEmpty { return false }
        return gaps == 0 ? groups == 8 && !startsOpen && !endsOpen : gaps == 1 && groups < 8
    }
}
