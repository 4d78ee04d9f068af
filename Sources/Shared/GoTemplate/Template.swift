/// A template in the language of Go's text/template, as alert annotations and log formats use it.
///
/// Executing reads nothing but the data and the functions that it is given, and is bounded in output and steps.
public struct Template: Sendable {
    public struct Options: Sendable {
        /// Shown for a field that a map does not have; Go's `missingkey=zero` of a map of strings is the empty string.
        public var missingValue: TemplateValue = .string("")
        public var maximumOutput = 1 << 20
        /// Nodes executed, so that loops within loops end.
        public var maximumSteps = 1_000_000
        /// The function that runs a template whose name is worked out, with the value behind it, and gives its text: `tmpl` in Prometheus.
        public var invocation: String?
        public init() {}
    }

    public let name: String
    let nodes: [TemplateNode]
    let definitions: [String: [TemplateNode]]
    private let calls: [(name: String, line: Int)]
    private let undeclared: [(name: String, line: Int)]

    /// Parses; functions are looked up only when they are called.
    public init(_ source: String, name: String = "template") throws(TemplateError) {
        var parser = try TemplateParser(source, name: name)
        nodes = try parser.parse()
        definitions = parser.definitions
        calls = parser.calls
        undeclared = parser.undeclared
        self.name = name
    }

    /// The first function or variable that would not be there if the template were given these; for a check before it is
    /// run, which Go makes when it parses.
    public func firstUnknown(functions: Set<String>, variables: Set<String> = []) -> TemplateError? {
        for (name, line) in undeclared where !variables.contains(name) {
            return TemplateError(name: self.name, line: line, problem: "undefined variable \"$\(name)\"")
        }
        for (name, line) in calls where !functions.contains(name) && Self.standardFunctions[name] == nil && !["and", "or", "call"].contains(name) {
            return TemplateError(name: self.name, line: line, problem: "function \"\(name)\" not defined")
        }
        return nil
    }

    /// The text for `data`, which is the dot and `$`. `functions` come before the standard ones. `variables` are
    /// known from the start by their names without the dollar. Errors of functions pass through unless they are
    /// `TemplateFailure`s, which become a `TemplateError` with the place.
    public func text(
        for data: TemplateValue, variables: [String: TemplateValue] = [:], functions: [String: TemplateFunction] = [:],
        options: Options = Options()
    ) throws -> String {
        var executor = TemplateExecutor(template: self, functions: functions, options: options)
        executor.scopes = [variables.merging(["": data]) { $1 }]
        try executor.run(nodes, dot: data)
        return executor.output
    }
}
