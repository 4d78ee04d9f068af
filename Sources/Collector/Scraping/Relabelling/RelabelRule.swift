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
    public var targetLabel = "" { didSet { targetTemplate = ReplacementTemplate(targetLabel) } }
    public var replacement = "$1" { didSet { replacementTemplate = ReplacementTemplate(replacement) } }
    public var modulus: UInt64 = 0
    /// Taken apart once, since a rule is applied to each series of each target.
    private var targetTemplate = ReplacementTemplate("")
    private var replacementTemplate = ReplacementTemplate("$1")

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
        // Observers do not run in an initializer.
        targetTemplate = ReplacementTemplate(target)
        replacementTemplate = ReplacementTemplate(replacement)
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
                labels[expand(replacementTemplate, label.name, groups)] = label.value
            }
        case .labeldrop: labels = labels.filter { !regex.matches($0.name) }
        case .labelkeep: labels = labels.filter { regex.matches($0.name) }
        }
        return labels
    }

    private func replace(_ value: String, _ labels: inout Labels) {
        guard let groups = regex.groups(in: Array(value.utf8)) else { return }
        let target = targetLabel.utf8.contains(UInt8(ascii: "$")) ? expand(targetTemplate, value, groups) : targetLabel
        guard !target.isEmpty else { return }
        labels[target] = expand(replacementTemplate, value, groups)
    }

    private func expand(_ template: ReplacementTemplate, _ text: String, _ groups: [Range<Int>?]) -> String {
        template.expand(Array(text.utf8), groups, names: regex.groupNames)
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
