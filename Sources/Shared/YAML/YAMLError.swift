/// Why a text is not the YAML that was wanted, where, and how to mend it.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// As the caller named it; may be empty.
    public let file: String
    /// From 1.
    public let line: Int
    /// From 1, in characters.
    public let column: Int
    public let problem: String
    /// Empty if there is nothing to advise.
    public let remedy: String

    public init(file: String, line: Int, column: Int, problem: String, remedy: String = "") {
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        self.remedy = remedy
    }

    /// `pod.yaml:3:7: problem; remedy`.
    public var description: String {
        let place = file.isEmpty ? "line \(line), column \(column)" : "\(file):\(line):\(column)"
        return "\(place): \(problem)" + (remedy.isEmpty ? "" : "; " + remedy)
    }
}
