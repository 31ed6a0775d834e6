public class Proof {
    public static void main(String[] arguments) throws InterruptedException {
        Thread.sleep((long) (1000 * Double.parseDouble(System.getenv("ATTUNE_PARAM_SECONDS"))));
        System.out.println("{\"runtime\": \"java\"}");
    }
}
