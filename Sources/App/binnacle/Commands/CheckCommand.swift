import ArgumentParser
import PromQL
import Terminal

/// Checks of what people write, without a server.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a query is right, without asking a server.", subcommands: [Query.self])

    struct Query: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a PromQL query is right, what it yields, and print it in its usual form.")

        @Argument(help: "The query.") var query: String

        func run() throws {
            let expression: Expression
            do throws(QueryError) {
                expression = try Parser.parse(query)
            } catch {
                throw QueryFailure.explain(query: query, message: error.message)
            }
            try Output.write(expression.pretty + "\n")
            let phrase = expression.type.phrase
            Output.error("the query is right and yields \("aeiou".contains(phrase.first ?? "x") ? "an" : "a") \(phrase)")
        }
    }
}
