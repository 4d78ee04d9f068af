/// Why a page of metrics cannot be read, and where.
public struct ExpositionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From one; 0 in a binary page.
    public var line: Int
    public var problem: String

    public init(line: Int, problem: String) {
        self.line = line
        self.problem = problem
    }

    public var description: String { line == 0 ? problem : "line \(line): \(problem)" }
}
