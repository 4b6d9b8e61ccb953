extension Parser {
  /// `import a.b`, `import a.b as c`, `import a.b (x, y as z)`.
  mutating func parseImport() -> Statement.Kind {
    advance()
    var path = [expectName("the name of a module")]
    while accept(.dot) {
      // A file may be called by a reserved word; nothing is bound to it.
      let isReserved = current.isWord && !current.isName && !isOnNewLine
      path.append(isReserved ? takeWord() : expectName("the name of a module"))
    }
    let alias = parseAlias("a name for the module")
    guard alias == nil, current.kind == .leftParen, !isOnNewLine else {
      return .importModule(Import(path: path, alias: alias))
    }
    return .importModule(Import(path: path, names: parseImportedNames()))
  }

  private mutating func parseAlias(_ what: String) -> Identifier? {
    guard current.kind == .as, !isOnNewLine else { return nil }
    advance()
    return expectName(what)
  }

  mutating func parseImportedNames() -> [Import.Name] {
    let opener = current
    var names: [Import.Name] = []
    parseList { parser in
      let name = parser.expectName("a name to import")
      if name.text.isEmpty { return }
      let imported = Import.Name(name: name, alias: parser.parseAlias("another name"))
      parser.checkDuplicate(imported.bound, among: names.map(\.bound), "name")
      names.append(imported)
    }
    if names.isEmpty { report(.expectedToken, "expected the names to import", at: span(opener)) }
    return names
  }
}
