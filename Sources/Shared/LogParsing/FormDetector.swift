import Telemetry

/// Remembers which form one container's lines have, so that most lines are read by one test.
///
/// A program may print a banner in another form, or change its form: when more than a fifth of the last 200 lines do not
/// fit, the form that most of them had takes over.
public struct FormDetector: Hashable, Sendable {
    static let window = 200

    /// Nil until a line was seen. A forced form never changes.
    public private(set) var form: LineForm?
    private let isForced: Bool
    private var seen = 0
    private var misses = 0
    private var counts: [LineForm: Int] = [:]

    public init(forced form: LineForm? = nil) {
        self.form = form
        isForced = form != nil
    }

    /// The line's time and severity, by the remembered form or another.
    public mutating func heading(_ line: ArraySlice<UInt8>) -> LineHeading {
        let line = AnsiText.stripped(line)
        if let form, form != .raw || isForced, let heading = LineParser.heading(line, as: form) {
            note(form, isMiss: false)
            return heading
        }
        guard !isForced else { return LineHeading(stamp: nil, severity: SeverityDetector.detect(line)) }
        for candidate in LineParser.forms(beginningOf: line) where candidate != form {
            if let heading = LineParser.heading(line, as: candidate) {
                note(candidate, isMiss: true)
                return heading
            }
        }
        note(.raw, isMiss: form != .raw)
        return LineHeading(stamp: nil, severity: SeverityDetector.detect(line))
    }

    private mutating func note(_ found: LineForm, isMiss: Bool) {
        guard !isForced else { return }
        if form == nil { form = found }
        seen += 1
        if isMiss { misses += 1 }
        counts[found, default: 0] += 1
        guard seen == Self.window else { return }
        // Of equally frequent forms the present one stays.
        if misses > Self.window / 5, let best = counts.max(by: { ($0.value, $0.key == form ? 1 : 0) < ($1.value, $1.key == form ? 1 : 0) }) { form = best.key }
        (seen, misses, counts) = (0, 0, [:])
    }
}
