import GoTemplate

/// The template of `line_format` and `label_format`.
struct LineTemplate: Sendable {
    private let template: Template

    init(_ text: String) throws(LogQLError) {
        do throws(TemplateError) { template = try Template(text, name: "line") } catch {
            throw LogQLError(.syntax, "the template is wrong: \(error.problem)")
        }
    }
}
