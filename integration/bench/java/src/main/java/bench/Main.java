package bench;

/** Takes a task, as JSON in its last argument, and prints a result, as JSON: the same as the program in Go that starts it. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        Task task = Task.parse(args[args.length - 1]);
        switch (task.kind()) {
            case "produce-kpl" -> System.out.println(new Kpl(task).run());
            case "consume-kcl" -> System.out.println(new Kcl(task).run());
            default -> throw new IllegalArgumentException("unknown kind " + task.kind());
        }
        System.exit(0); // threads of the libraries are left
    }
}
