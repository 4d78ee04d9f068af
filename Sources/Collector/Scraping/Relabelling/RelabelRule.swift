import Pattern
import Telemetry

/// One step of relabelling, as Prometheus' `relabel_configs` and `metric_relabel_configs` have it.
public struct RelabelRule: Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
    }

    public var action = Action.replace
    public var sourceLabels: [String] = []
    public var separator = ";"
    /// Matches the whole text.
    public var regex = RelabelRule.everything
    public var targetLabel = ""
    public var replacement = "$1"
    public var modulus: UInt64 = 0

    /// `(.*)`, the default.
    static let everything: Pattern = {
        guard let pattern = try? Pattern("(.*)", anchored: true) else { preconditionFailure("(.*) is an expression") }
        return pattern
    }()

    public init() {}

    public init(
        _ action: Action, _ sourceLabels: [String] = [], regex: String = "(.*)", target: String = "", replacement: String = "$1", modulus: UInt64 = 0
    ) throws(PatternError) {
        self.action = action
        self.sourceLabels = sourceLabels
        self.regex = try Pattern(regex, anchored: true)
        targetLabel = target
        self.replacement = replacement
        self.modulus = modulus
    }

    /// The labels after the step; nil if they are dropped.
    public func apply(to labels: Labels) -> Labels? {
        var labels = labels
        let value = sourceLabels.map { labels[$0] }.joined(separator: separator)
        switch action {
        case .keep: return regex.matches(value) ? labels : nil
        case .drop: return regex.matches(value) ? nil : labels
        case .keepequal: return labels[targetLabel] == value ? labels : nil
        case .dropequal: return labels[targetLabel] == value ? nil : labels
        case .replace: replace(value, &labels)
        case .lowercase: labels[targetLabel] = value.lowercased()
        case .uppercase: labels[targetLabel] = value.uppercased()
        case .hashmod:
            // The last eight bytes of the digest as a number, high byte first.
            let hash = MD5.digest(Array(value.utf8)).suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if modulus > 0 { labels[targetLabel] = "\(hash % modulus)" }
        case .labelmap:
            for label in labels.list {
                guard let groups = regex.groups(in: Array(label.name.utf8)) else { continue }
                labels[expand(replacement, label.name, groups)] = label.value
            }
        case .labeldrop: labels = labels.filter { !regex.matches($0.name) }
        case .labelkeep: labels = labels.filter { regex.matches($0.name) }
        }
        return labels
    }

    private func replace(_ value: String, _ labels: inout Labels) {
        guard let groups = regex.groups(in: Array(value.utf8)) else { return }
        let target = targetLabel.utf8.contains(UInt8(ascii: "$")) ? expand(targetLabel, value, groups) : targetLabel
        guard !target.isEmpty else { return }
        labels[target] = expand(replacement, value, groups)
    }

    /// `$1`, `${1}` and `${name}` stand for what the groups matched, `$$` for a dollar.
    private func expand(_ template: String, _ text: String, _ groups: [Range<Int>?]) -> String {
        let source = Array(text.utf8)
        let form = Array(template.utf8)
        var result: [UInt8] = []
        var offset = 0
        while offset < form.count {
            guard form[offset] == UInt8(ascii: "$"), offset + 1 < form.count else {
                result.append(form[offset])
                offset += 1
                continue
            }
            offset += 1
            if form[offset] == UInt8(ascii: "$") {
                result.append(form[offset])
                offset += 1
                continue
            }
            let isBraced = form[offset] == UInt8(ascii: "{")
            if isBraced { offset += 1 }
            let start = offset
            while offset < form.count, isBraced ? form[offset] != UInt8(ascii: "}") : RelabelRule.isWord(form[offset]) { offset += 1 }
            let name = String(decoding: form[start..<offset], as: UTF8.self)
            if isBraced { offset += 1 }
            let number = Int(name) ?? regex.groupNames.firstIndex { $0 == name } ?? -1
            if groups.indices.contains(number), let range = groups[number] { result += source[range] }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F
    }
}

extension [RelabelRule] {
    /// The labels after all steps; nil if one of them drops them.
    public func apply(to labels: Labels) -> Labels? {
        var labels = labels
        for rule in self {
            guard let next = rule.apply(to: labels) else { return nil }
            labels = next
        }
        return labels
    }
}
