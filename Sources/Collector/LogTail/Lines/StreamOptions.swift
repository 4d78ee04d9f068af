public import LogParsing

/// What is done with the lines of one source.
public struct StreamOptions: Sendable {
    /// Which time a record has.
    public enum Time: Hashable, Sendable {
        /// The runtime's stamp; the time of reading where there is none.
        case runtime
        /// What the line says of itself, where it does.
        case line
    }

    public var multiline: MultilineRule = .auto
    /// The form of the lines; nil finds it.
    public var form: LineForm?
    public var custom: CustomForm?
    /// The zone of stamps that tell none.
    public var zone: ZoneRules = .utc
    public var time: Time = .runtime
    public var rules: [FilterRule] = []
    public var redactor: Redactor?
    /// Nothing of this source is kept.
    public var isExcluded = false
    public var maximumLineBytes = 1 << 20
    /// How long an open group of lines waits for its next one, in nanoseconds.
    public var multilineTimeout: Int64 = 1_000_000_000
    public var maximumGroupLines = 1000
    /// How long losses are gathered before a record tells of them, in nanoseconds.
    public var lossWindow: Int64 = 10_000_000_000

    public init() {}
}
