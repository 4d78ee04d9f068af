import Glibc
import Terminal
import UnixSignals

/// `binnacle query -i`: reads queries from a person at a terminal, or from a pipe, and answers one after the other.
struct QueryDialogue {
    private static let prompt = "promql> "
    private static let help = """
        A query ends with Enter once its brackets are closed; Alt-Enter begins a new line. Tab completes metrics, labels,
        values and functions; up and down go through what was asked before, Control-R looks for it. Control-C gives up the line,
        or the query that runs; Control-D ends.
          .range DURATION   ask for the last DURATION and draw it; `.range off` asks for now
          .step DURATION    time between two points of a range; `.step off` chooses it
          .output FORMAT    table, graph, json or csv; `.output off` chooses it
          .explain          show how queries are answered, or stop showing it
          .help  .quit

        """

    var asking: QueryAsking

    func run() async throws {
        if isatty(STDIN_FILENO) == 1, Output.isTerminal { try await talk() } else { try await readPipe() }
    }

    // MARK: A pipe

    /// Lines up to the end; those that belong together make one query. What fails is told, and the others are asked all the same.
    private func readPipe() async throws {
        var dialogue = self
        var text = ""
        var failures = 0
        while let line = readLine(strippingNewline: true) {
            if text.isEmpty, line.allSatisfy(\.isWhitespace) { continue }
            text += text.isEmpty ? line : "\n" + line
            // An empty line ends what never closes.
            guard line.isEmpty || !QueryText.isOpen(text) else { continue }
            let isGoingOn = try await dialogue.answer(text, failures: &failures)
            text = ""
            if !isGoingOn { break }
        }
        if !text.isEmpty { _ = try await dialogue.answer(text, failures: &failures) }
        if failures > 0 { throw CommandFailure(message: "\(failures) of the queries failed") }
    }

    // MARK: A terminal

    private func talk() async throws {
        var dialogue = self
        var failures = 0
        let mode = RawMode()
        defer { mode.restore() }
        let file = HistoryFile()
        var input = TerminalInput(history: file.read(), completions: QueryCompletions(client: asking.client))
        while let text = try await input.line(prompt: Self.prompt) {
            if text.allSatisfy(\.isWhitespace) { continue }
            file.write(input.history)
            do {
                guard try await dialogue.answer(text, failures: &failures, under: mode) else { break }
            } catch is Interruption {
                Output.error("the query was given up")
            }
        }
    }

    private struct Interruption: Error {}

    /// Waits for `body` until Control-C is pressed, which is a signal meanwhile.
    private static func unlessInterrupted(_ mode: RawMode, _ body: @escaping @Sendable () async throws -> Void) async throws {
        // Before anything is asked, or an early key would end the program.
        let signals = await UnixSignalsSequence(trapping: .sigint)
        mode.takeInterrupts(true)
        defer { mode.takeInterrupts(false) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals { throw Interruption() }
                // Cancelled: the answer is there.
            }
            group.addTask { try await body() }
            // The waiting ends only by throwing, or after the other.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// False if it was asked to end.
    private mutating func answer(_ text: String, failures: inout Int, under mode: RawMode? = nil) async throws -> Bool {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        do {
            if let command = words.first, command.first == ".", command.dropFirst().first?.isLetter == true {
                return try obey(command, words.count > 1 ? words[1] : "")
            }
            if text.allSatisfy(\.isWhitespace) { return true }
            let asking = asking
            if let mode { try await Self.unlessInterrupted(mode) { try await asking.ask(text) } } else { try await asking.ask(text) }
        } catch let failure as CommandFailure {
            failures += 1
            Output.error("\(failure)")
        }
        return true
    }

    private mutating func obey(_ command: String, _ argument: String) throws -> Bool {
        switch command {
        case ".quit", ".exit": return false
        case ".help": try Output.write(Self.help)
        case ".explain": asking.explain.toggle()
        case ".range": asking.range = argument == "off" ? nil : try TimeArgument.duration(argument, flag: ".range")
        case ".step": asking.step = argument == "off" ? nil : try TimeArgument.duration(argument, flag: ".step")
        case ".output":
            guard argument == "off" || QueryCommand.Format(rawValue: argument) != nil else {
                throw CommandFailure(message: ".output is \"\(argument)\"", hint: "write table, graph, json, csv or off")
            }
            asking.output = QueryCommand.Format(rawValue: argument)
        default: throw CommandFailure(message: "there is no \(command)", hint: ".help lists what there is")
        }
        return true
    }
}
