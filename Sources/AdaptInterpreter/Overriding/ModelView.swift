import AdaptGraph
import AdaptSyntax

/// How a model is seen: the same parameters and state under other policies and settings.
struct ModelView {
  /// A policy with the sites it is for in this model; nil for all.
  struct SitePolicy {
    let sites: PathGlob?
    let value: PolicyValue
  }

  /// A knob, by its name or by the path to it, turned to a value.
  struct Setting {
    let knob: String
    let value: Value
    let span: Span
  }

  /// The model itself, which is no view.
  let model: Flow
  var policies: [SitePolicy] = []
  var settings: [Setting] = []

  init(model: Flow) { self.model = model }

  /// What a graph of the model depends on beside the model; empty for the model as it is.
  var key: String {
    settings.map { "\($0.knob)=\(ValueWriter.text($0.value))" }.joined(separator: ";")
  }

  /// What it is under, in words.
  var text: String {
    let policies = policies.map { policy in
      (policy.sites.map { "\($0.text): " } ?? "") + policy.value.text
    }
    let settings = settings.map { "\($0.knob): \(ModelView.text($0.value))" }
    return (policies + settings).joined(separator: ", ")
  }

  static func text(_ value: Value) -> String {
    var writer = ValueWriter(limit: 40)
    writer.write(value, quoted: true)
    return writer.text
  }
}

extension Flow {
  /// The model that this is a view of, or itself.
  var root: Flow { view?.model ?? self }

  /// A view of this model, or of the model that this is a view of; what was said before stays below.
  func seen(_ change: (inout ModelView) -> Void) -> Flow {
    var view = view ?? ModelView(model: self)
    change(&view)
    let result = Flow(kind, span: span)
    result.view = view
    return result
  }
}
