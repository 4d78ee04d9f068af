/// One thing that is wrong with a file of rules: where, what, and how to mend it.
public struct RuleFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// `group "node", rule 2 (DiskFull), expr`; empty for the file as a whole.
    public var place: String
    public var problem: String

    public init(file: String, place: String = "", problem: String) {
        self.file = file
        self.place = place
        self.problem = problem
    }

    public var description: String { place.isEmpty ? "\(file): \(problem)" : "\(file): \(place): \(problem)" }
}
